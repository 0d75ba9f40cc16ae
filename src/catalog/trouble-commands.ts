import type { CommandRows } from './command-row.ts'

/** So many of the newest traces are kept. */
const MOST_TRACES = 1_000

/** What a power cut takes of it, nobody was promised. */
export const TROUBLE_COMMANDS: CommandRows<'noteTroubles'> = {
  noteTroubles: {
    durable: false,
    run(statements, { failures, traces }) {
      for (const row of failures) {
        const { upstream, route, cause, firstAt, lastAt, count, since, signs, endedAt, request, facts } = row
        statements.run(
          `insert into failures (upstream, route, cause, first_at, last_at, count, since, signs, ended_at, request, facts)
           values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           on conflict (upstream, route, cause) do update set last_at = excluded.last_at, count = excluded.count,
           since = excluded.since, signs = excluded.signs, ended_at = excluded.ended_at,
           request = coalesce(excluded.request, request), facts = excluded.facts`,
          ...[upstream, route, cause, firstAt, lastAt, count, since, signs, endedAt ?? null, request ?? null, facts],
        )
      }
      for (const row of traces) {
        const { request, at, client, upstream, kind, repository, reference, outcome, bytes, resumes, facts } = row
        statements.run(
          `insert into traces (request, at, client, upstream, kind, repository, reference, outcome, cause, hop, route,
           status, bytes, resumes, header_ms, total_ms, facts, attempts)
           values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          ...[request, at, client, upstream, kind, repository, reference, outcome],
          ...[row.cause ?? null, row.hop ?? null, row.route ?? null, row.status ?? null],
          ...[bytes, resumes, row.headerMs ?? null, row.totalMs, facts, row.attempts],
        )
      }
      if (traces.length > 0) {
        statements.run('delete from traces where seq <= (select max(seq) from traces) - ?', MOST_TRACES)
      }
    },
  },
}
