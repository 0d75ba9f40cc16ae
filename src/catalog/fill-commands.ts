import { keepBlob } from './blob-rows.ts'
import type { CommandRows } from './command-row.ts'
import { ensureRepository } from './repository-rows.ts'

export const FILL_COMMANDS: CommandRows<'noteFill' | 'dropFill' | 'commitFill'> = {
  noteFill: {
    durable: false,
    run(statements, { id, upstream, digest, boot, synced }) {
      statements.run(
        `insert into fills (id, upstream, digest, boot, synced) values (?, ?, ?, ?, ?)
         on conflict (id) do update set boot = excluded.boot, synced = excluded.synced`,
        ...[id, upstream, digest, boot, synced],
      )
    },
  },

  dropFill: {
    durable: false,
    run(statements, { id }) {
      statements.run('delete from fills where id = ?', id)
    },
  },

  commitFill: {
    durable: true,
    run(statements, { id, repositories, digest, size }) {
      keepBlob(statements, { digest, size })
      for (const repository of repositories) {
        const home = ensureRepository(statements, repository, 'cached')
        statements.run(
          'insert into repository_blobs (repository, digest) values (?, ?) on conflict do nothing',
          home.id,
          digest,
        )
      }
      if (id !== undefined) statements.run('delete from fills where id = ?', id)
    },
  },
}
