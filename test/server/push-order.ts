import { dirname } from 'node:path'
import { type Call, fileOf, stringsOf } from './strace.ts'

/** The calls behind one answer: from the end of the answer before to the answer itself. */
export interface Answered {
  readonly status: number
  readonly answer: Call
  readonly calls: readonly Call[]
}

/** Cuts a trace at the answers. The requests must have come one after the other. */
export function answersIn(calls: readonly Call[]): Answered[] {
  const found: Answered[] = []
  let from = -1
  for (const answer of calls) {
    const status = statusOf(answer)
    if (status === undefined) continue
    const since = from
    found.push({ status, answer, calls: calls.filter((call) => call.begin > since && call.begin < answer.begin) })
    from = answer.begin
  }
  return found
}

/**
 * What a power cut could take back of an answered push, as sentences; none where all was done in its order
 *: sync of the file, rename, sync of its folder and of the parent of every folder that was
 * made, commit in the catalog's log, sync of the log, answer.
 *
 * `hex`: digits of the digest whose bytes came with the request; left out where it stores no bytes.
 */
export function lostByPowerCut({ calls, answer }: Answered, hex?: string): string[] {
  const steps = hex === undefined ? { lost: [], durableAt: -1 } : fileSteps(calls, hex)
  return [...steps.lost, ...commitSteps(calls, steps.durableAt, answer)]
}

function fileSteps(calls: readonly Call[], hex: string): { lost: string[]; durableAt: number } {
  const renamed = calls.find((call) => isDone(call, /^rename/) && stringsOf(call).at(-1)?.endsWith(`/${hex}/data`))
  if (renamed === undefined) return { lost: [`no rename to ${hex}/data`], durableAt: -1 }
  const [from = '', to = ''] = stringsOf(renamed)
  const lost: string[] = []

  const written = lastEnd(calls.filter((call) => isDone(call, /write/) && fileOf(call) === from))
  const synced = syncOf(calls, from, written)
  if (synced === undefined || synced.end > renamed.begin)
    lost.push(`${from} is not synced between its last write and its rename`)

  let durableAt = renamed.end
  const made = calls.filter((call) => isDone(call, /^mkdir/) && to.startsWith(`${stringsOf(call)[0]}/`))
  const changed = [
    { folder: dirname(to), at: renamed.end },
    ...made.map((call) => ({ folder: dirname(stringsOf(call)[0] ?? ''), at: call.end })),
  ]
  for (const { folder, at } of changed) {
    const sync = syncOf(calls, folder, at)
    if (sync === undefined) lost.push(`${folder} is not synced after a new entry in it`)
    else durableAt = Math.max(durableAt, sync.end)
  }
  return { lost, durableAt }
}

function commitSteps(calls: readonly Call[], durableAt: number, answer: Call): string[] {
  const log = calls.filter((call) => fileOf(call)?.endsWith('/catalog.db-wal'))
  const early = log.filter((call) => isDone(call, /write/) && call.begin > durableAt)
  if (early.length === 0) return ['nothing is written to the log of the catalog after the file was durable']
  const sync = log.find((call) => isDone(call, /sync/) && early.some((write) => write.end < call.begin))
  if (sync === undefined) return ['the log of the catalog is not synced before the answer']
  return sync.end < answer.begin ? [] : ['the answer does not wait for the sync of the log']
}

function syncOf(calls: readonly Call[], path: string, after: number): Call | undefined {
  return calls.find((call) => isDone(call, /sync/) && fileOf(call) === path && call.begin > after)
}

function isDone({ name, result }: Call, kind: RegExp): boolean {
  return kind.test(name) && result >= 0
}

function lastEnd(calls: readonly Call[]): number {
  return Math.max(-1, ...calls.map(({ end }) => end))
}

function statusOf(call: Call): number | undefined {
  if (!/^(write|writev|sendto|sendmsg)$/.test(call.name) || !/^(TCP|TCPv6):/.test(fileOf(call) ?? '')) return undefined
  const [, status] = /HTTP\/1\.1 ([2-5]\d\d) /.exec(call.args) ?? []
  return status === undefined ? undefined : Number(status)
}
