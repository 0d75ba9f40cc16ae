import type { CommandRows } from './command-row.ts'

/** A session that a power cut takes is begun again by its client: it has been promised nothing. */
export const UPLOAD_COMMANDS: CommandRows<'beginUpload' | 'endUpload'> = {
  beginUpload: {
    durable: false,
    run(statements, { id, repository, account, algorithm, startedAt }) {
      statements.run(
        'insert into uploads (id, repository, account, algorithm, started_at) values (?, ?, ?, ?, ?)',
        id,
        repository,
        account,
        algorithm,
        startedAt,
      )
    },
  },

  endUpload: {
    durable: false,
    run(statements, { id }) {
      statements.run('delete from uploads where id = ?', id)
    },
  },
}
