import { keepBlob } from './blob-rows.ts'
import type { CommandRows } from './command-row.ts'
import { ensureRepository, findRepository, noteLink } from './repository-rows.ts'
import type { RepositoryRow } from './tables.ts'

export const BLOB_COMMANDS: CommandRows<'commitBlob' | 'mountBlob' | 'unlinkBlob' | 'markLeaving' | 'deleteLeaving'> = {
  commitBlob: {
    durable: true,
    run(statements, { repository, digest, size }) {
      const home = ensureRepository(statements, repository)
      keepBlob(statements, { digest, size })
      statements.run(
        'insert into repository_blobs (repository, digest) values (?, ?) on conflict do nothing',
        home.id,
        digest,
      )
      noteLink(statements, home, { what: 'blob', key: digest })
    },
  },

  mountBlob: {
    durable: true,
    run(statements, { repository, from, digest }) {
      // What is leaving has no ties.
      const there = statements.get(
        `select 1 from repository_blobs where digest = ?
         and repository = (select id from repositories where name = ?)`,
        digest,
        from,
      )
      if (there === undefined) return false
      const home = ensureRepository(statements, repository)
      statements.run(
        'insert into repository_blobs (repository, digest) values (?, ?) on conflict do nothing',
        home.id,
        digest,
      )
      noteLink(statements, home, { what: 'blob', key: digest })
      return true
    },
  },

  unlinkBlob: {
    durable: true,
    run(statements, { repository, digest }) {
      const home = findRepository(statements, repository)
      if (home === undefined) return false
      const untied = statements.run('delete from repository_blobs where repository = ? and digest = ?', home.id, digest)
      if (untied === 0) return false
      noteLink(statements, home, { what: 'blob', key: digest })
      return true
    },
  },

  markLeaving: {
    durable: true,
    run(statements, { digest }) {
      const marked = statements.run(
        `update blobs set leaving = 1 where digest = ?
         and not exists (select 1 from manifest_references where manifest_references.digest = blobs.digest)
         and not exists (select 1 from manifests where manifests.digest = blobs.digest)`,
        digest,
      )
      if (marked === 0) return false
      const homes = statements.all<Pick<RepositoryRow, 'id' | 'kind'>>(
        `select id, kind from repositories
         where id in (select repository from repository_blobs where digest = ?)`,
        digest,
      )
      statements.run('delete from repository_blobs where digest = ?', digest)
      for (const home of homes) noteLink(statements, home, { what: 'blob', key: digest })
      return true
    },
  },

  deleteLeaving: {
    durable: true,
    run(statements, { digest }) {
      statements.run('delete from blobs where digest = ? and leaving = 1', digest)
    },
  },
}
