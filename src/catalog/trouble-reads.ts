import type { FailureRecord, Trace, TracesOf } from './catalog.ts'
import type { Statements } from './statements.ts'
import type { FailureRow, TraceRow } from './tables.ts'

export function failuresOf(statements: Statements): FailureRecord[] {
  const rows = statements.all<FailureRow>(
    `select upstream, route, cause, first_at, last_at, count, since, signs, ended_at, request, facts from failures
     order by upstream, route, cause`,
  )
  return rows.map(({ first_at, last_at, ended_at, request, ...row }) => ({
    ...{ ...row, firstAt: first_at, lastAt: last_at },
    ...(ended_at !== null && { endedAt: ended_at }),
    ...(request !== null && { request }),
  }))
}

const COLUMNS = `request, at, client, upstream, kind, repository, reference, outcome, cause, hop, route, status, bytes,
  resumes, header_ms, total_ms, facts, attempts`

/** There are so few that none of these needs an index. */
export function tracesOf(statements: Statements, of: TracesOf, limit: number): Trace[] {
  const rows = 'request' in of ? byRequest(statements, of.request, limit) : byName(statements, of, limit)
  return rows.map(traceFrom)
}

function byRequest(statements: Statements, start: string, limit: number): TraceRow[] {
  return statements.all<TraceRow>(
    `select ${COLUMNS} from traces where substr(request, 1, length(?1)) = ?1 order by seq desc limit ?2`,
    start,
    limit,
  )
}

function byName(
  statements: Statements,
  { repository, reference }: Exclude<TracesOf, { request: string }>,
  limit: number,
): TraceRow[] {
  return statements.all<TraceRow>(
    `select ${COLUMNS} from traces
     where (?1 is null or repository = ?1 or substr(repository, -length(?1) - 1) = '/' || ?1)
     and (?2 is null or reference = ?2) order by seq desc limit ?3`,
    repository ?? null,
    reference ?? null,
    limit,
  )
}

function traceFrom({ cause, hop, route, status, header_ms, total_ms, ...row }: TraceRow): Trace {
  return {
    ...{ ...row, totalMs: total_ms },
    ...(cause !== null && { cause }),
    ...(hop !== null && { hop }),
    ...(route !== null && { route }),
    ...(status !== null && { status }),
    ...(header_ms !== null && { headerMs: header_ms }),
  }
}
