import type { CommandRows } from './command-row.ts'
import { keepManifest } from './manifest-rows.ts'
import { ensureRepository, findRepository } from './repository-rows.ts'
import type { Statements } from './statements.ts'
import type { ManifestRow } from './tables.ts'

/** What concerns copies of upstreams' repositories. They have no link files. */
export const CACHED_COMMANDS: CommandRows<'putCachedManifest' | 'confirmTag' | 'markTagGone' | 'takeForUpstream'> = {
  putCachedManifest: {
    durable: true,
    run(statements, { repository, digest, bytes, manifest, tag, at }) {
      const home = ensureRepository(statements, repository, 'cached')
      if (home.kind !== 'cached') return undefined
      keepManifest(statements, home.id, { digest, bytes, manifest, at })
      if (tag !== undefined) {
        statements.run(
          `insert into tags (repository, name, digest, moved_at, confirmed_at) values (?1, ?2, ?3, ?4, ?4)
           on conflict (repository, name) do update set confirmed_at = ?4, gone_at = null, digest = ?3,
           moved_at = case when digest = ?3 then moved_at else ?4 end`,
          home.id,
          tag,
          digest,
          at,
        )
      }
      return statements.get<Pick<ManifestRow, 'media_type'>>(
        'select media_type from manifests where repository = ? and digest = ?',
        home.id,
        digest,
      )?.media_type
    },
  },

  // A power cut that takes one of these back costs a question more.
  confirmTag: {
    durable: false,
    run(statements, { repository, tag, digest, at }) {
      const home = findRepository(statements, repository)?.id ?? 0
      const set = 'update tags set confirmed_at = ?, gone_at = null where repository = ? and name = ? and digest = ?'
      return statements.run(set, at, home, tag, digest) > 0
    },
  },

  markTagGone: {
    durable: false,
    run(statements, { repository, tag, digest, at }) {
      const home = findRepository(statements, repository)?.id ?? 0
      const set = 'update tags set gone_at = ? where repository = ? and name = ? and digest = ?'
      return statements.run(set, at, home, tag, digest) > 0
    },
  },

  takeForUpstream: {
    durable: true,
    run(statements, { repository, as }) {
      const [from, to] = [findRepository(statements, repository), findRepository(statements, as)]
      if (from?.kind !== 'cached' || to?.kind === 'hosted') return false
      if (to === undefined) statements.run('update repositories set name = ? where id = ?', as, from.id)
      else moveInto(statements, from.id, to.id)
      // From here on it is no longer what registry:2 left.
      statements.run('delete from adopted where repository = ?', from.id)
      if (to !== undefined) statements.run('delete from repositories where id = ?', from.id)
      return true
    },
  },
}

/** All that one cached repository has goes to another, whose tags are the newer ones. */
function moveInto(statements: Statements, from: number, to: number): void {
  const moves = [
    `insert into repository_blobs (repository, digest) select ?2, digest from repository_blobs where repository = ?1
     on conflict do nothing`,
    'delete from repository_blobs where repository = ?1',
    `insert into manifests (repository, digest, media_type, size, artifact_type, annotations, subject, pinned, pushed_at)
     select ?2, digest, media_type, size, artifact_type, annotations, subject, pinned, pushed_at from manifests
     where repository = ?1 on conflict (repository, digest) do update set pinned = max(pinned, excluded.pinned)`,
    `insert into manifest_references (repository, manifest, digest, kind)
     select ?2, manifest, digest, kind from manifest_references where repository = ?1 on conflict do nothing`,
    `insert into tags (repository, name, digest, moved_at, confirmed_at, gone_at)
     select ?2, name, digest, moved_at, confirmed_at, gone_at from tags where repository = ?1 on conflict do nothing`,
    'delete from tags where repository = ?1',
    'delete from manifest_references where repository = ?1',
    'delete from manifests where repository = ?1',
    'delete from link_jobs where repository = ?1',
  ]
  for (const move of moves) {
    if (move.includes('?2')) statements.run(move, from, to)
    else statements.run(move, from)
  }
}
