import type { Digest } from '../oci/digest.ts'
import type { CommandRows } from './command-row.ts'
import { insertManifest } from './manifest-rows.ts'
import { ensureRepository, findRepository, noteAllLinks } from './repository-rows.ts'
import type { Statements } from './statements.ts'

/** What concerns a folder that registry:2 made, and the link files that it reads. */
export const ADOPTION_COMMANDS: CommandRows<'adopt' | 'endAdoption' | 'setRepositoryKind' | 'linksWritten'> = {
  adopt: {
    durable: true,
    run(statements, { repository, kind, blobs, manifests, tags, complete }) {
      const home = ensureRepository(statements, repository, kind)
      for (const { digest, size } of blobs) {
        if (!stays(statements, digest, size)) continue
        statements.run(
          'insert into repository_blobs (repository, digest) values (?, ?) on conflict do nothing',
          home.id,
          digest,
        )
      }
      for (const manifest of manifests) {
        if (stays(statements, manifest.digest, manifest.bytes.length)) insertManifest(statements, home.id, manifest)
      }
      for (const { name, digest, at, confirmedAt = null, goneAt = null } of tags) {
        statements.run(
          `insert into tags (repository, name, digest, moved_at, confirmed_at, gone_at)
           select repository, ?, digest, ?, ?, ? from manifests where repository = ? and digest = ?
           on conflict (repository, name) do update set digest = excluded.digest, moved_at = excluded.moved_at,
             confirmed_at = excluded.confirmed_at, gone_at = excluded.gone_at
           where excluded.moved_at >= tags.moved_at`,
          ...[name, at, confirmedAt, goneAt, home.id, digest],
        )
      }
      if (complete) statements.run('insert into adopted (repository) values (?) on conflict do nothing', home.id)
    },
  },

  endAdoption: {
    durable: true,
    run(statements, { at }) {
      statements.run("insert into meta (name, value) values ('adoption-ended', ?) on conflict do nothing", String(at))
    },
  },

  setRepositoryKind: {
    durable: true,
    run(statements, { repository, kind }) {
      const home = findRepository(statements, repository)
      if (home === undefined) return false
      statements.run('update repositories set kind = ? where id = ?', kind, home.id)
      noteAllLinks(statements, { ...home, kind })
      return true
    },
  },

  linksWritten: {
    durable: false,
    run(statements, { jobs }) {
      for (const { seq } of jobs) statements.run('delete from link_jobs where seq = ?', seq)
    },
  },
}

/** Notes a blob that lies in the folder. False: it is leaving, and its bytes may be gone any moment. */
function stays(statements: Statements, digest: Digest, size: number): boolean {
  statements.run('insert into blobs (digest, size) values (?, ?) on conflict (digest) do nothing', digest, size)
  return statements.get('select 1 from blobs where digest = ? and leaving = 0', digest) !== undefined
}
