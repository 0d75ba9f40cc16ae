import type { Digest } from '../oci/digest.ts'
import type { CommandRows } from './command-row.ts'
import type { Answer, Data } from './commands.ts'
import { keepManifest, removeManifest } from './manifest-rows.ts'
import { ensureRepository, findRepository, noteLink } from './repository-rows.ts'
import type { Statements } from './statements.ts'
import type { ManifestRow, TagRow } from './tables.ts'

export const MANIFEST_COMMANDS: CommandRows<'putManifest' | 'deleteManifest' | 'deleteTag'> = {
  putManifest: {
    durable: true,
    run(statements, data) {
      const { repository, digest, bytes, manifest, tags, at } = data
      // Before the repository is made: what is refused leaves nothing.
      const objection = objectionTo(statements, data)
      if (objection !== undefined) return objection

      const home = ensureRepository(statements, repository)
      keepManifest(statements, home.id, { digest, bytes, manifest, at })
      noteLink(statements, home, { what: 'manifest', key: digest })
      for (const tag of tags) {
        statements.run(
          `insert into tags (repository, name, digest, moved_at) values (?, ?, ?, ?)
           on conflict (repository, name) do update set digest = excluded.digest, moved_at = excluded.moved_at`,
          home.id,
          tag,
          digest,
          at,
        )
        noteLink(statements, home, { what: 'tag', key: tag })
      }
      return { stored: true }
    },
  },

  deleteTag: {
    durable: true,
    run(statements, { repository, tag }) {
      const home = findRepository(statements, repository)
      if (home === undefined) return false
      if (statements.run('delete from tags where repository = ? and name = ?', home.id, tag) === 0) return false
      noteLink(statements, home, { what: 'tag', key: tag })
      return true
    },
  },

  deleteManifest: {
    durable: true,
    run(statements, { repository, digest }) {
      const home = findRepository(statements, repository)
      if (home === undefined || mediaTypeOf(statements, home.id, digest) === undefined) return false
      const tags = statements.all<Pick<TagRow, 'name'>>(
        'select name from tags where repository = ? and digest = ?',
        home.id,
        digest,
      )
      removeManifest(statements, home.id, digest)
      for (const { name } of tags) noteLink(statements, home, { what: 'tag', key: name })
      noteLink(statements, home, { what: 'manifest', key: digest })
      return true
    },
  },
}

type Objection = Exclude<Answer<'putManifest'>, { stored: true }>

/** Why the manifest cannot be put, by what is committed now. */
function objectionTo(
  statements: Statements,
  { repository, digest, manifest, tags, mustExist, ifTagIs }: Data<'putManifest'>,
): Objection | undefined {
  // 0 is no repository's number: in one that does not exist nothing is found.
  const home = findRepository(statements, repository)?.id ?? 0
  if (ifTagIs !== undefined) {
    for (const tag of tags) {
      const row = statements.get<Pick<TagRow, 'digest'>>(
        'select digest from tags where repository = ? and name = ?',
        home,
        tag,
      )
      if (row?.digest !== ifTagIs.digest) return { tagIs: row?.digest }
    }
  }
  const typeIs = mediaTypeOf(statements, home, digest)
  if (typeIs !== undefined && typeIs !== manifest.mediaType) return { typeIs }
  const missing = mustExist.filter((needed) => !isThere(statements, home, needed))
  return missing.length > 0 ? { missing } : undefined
}

function mediaTypeOf(statements: Statements, repository: number, digest: Digest): string | undefined {
  return statements.get<Pick<ManifestRow, 'media_type'>>(
    'select media_type from manifests where repository = ? and digest = ?',
    repository,
    digest,
  )?.media_type
}

/** A blob that is leaving has no tie, so it is not there. */
function isThere(statements: Statements, repository: number, digest: Digest): boolean {
  const found = statements.get(
    `select 1 where exists (select 1 from repository_blobs where repository = ?1 and digest = ?2)
     or exists (select 1 from manifests where repository = ?1 and digest = ?2)`,
    repository,
    digest,
  )
  return found !== undefined
}
