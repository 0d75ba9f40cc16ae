import { stat } from 'node:fs/promises'
import type { Log } from '../base/log.ts'
import { parseAddress } from '../config/address.ts'
import type { Egress } from '../egress/egress.ts'
import { openEgress } from '../egress/open-egress.ts'
import { type CheckKind, HealthBoard } from '../ops/health.ts'
import { checkHttp, checkTcp, type HttpCheck, shownUri } from '../ops/peer-check.ts'
import { type RoundsOptions, startRounds } from '../ops/rounds.ts'
import { lateProblem, readProblem, writeProblem } from '../ops/storage-check.ts'
import { seeVolume, type Volume } from './volume.ts'

interface Round {
  /** Milliseconds. */
  readonly interval: number
}

interface Counted extends Round {
  readonly threshold: number
}

/** `health` of the configuration; what each key means is in its table. Times are milliseconds. */
export interface HealthChecks {
  readonly storagedriver: Counted & { readonly enabled: boolean }
  readonly file: readonly (Round & { readonly file: string })[]
  readonly http: readonly (Counted & HttpCheck)[]
  readonly tcp: readonly (Counted & { readonly addr: string; readonly timeout: number })[]
}

interface HealthParts {
  readonly checks: HealthChecks
  readonly volume: Pick<Volume, 'root' | 'tryDisk'>
  readonly log: Log
  /** Left out: one that connects directly, whatever proxy there is. */
  readonly egress?: Egress
}

/** As registry:2 names its check of the storage; ours of what is written has a name of its own. */
const STORAGE = 'storagedriver_filesystem'

/** Starts the checks that are configured. Each begins with a round at once. */
export function openHealth({ checks, volume, log, egress }: HealthParts): HealthBoard & AsyncDisposable {
  const stack = new AsyncDisposableStack()
  const board = new HealthBoard((kind, message) => {
    if (message === undefined) log.info({ check: kind.name }, 'a health check is sound again')
    else log.error({ check: kind.name, problem: message, stops: kind.stops }, 'a health check fails')
  })
  const out = stack.use(egress ?? openEgress())

  function check(kind: CheckKind, rounds: Pick<RoundsOptions, 'look' | 'late'>): void {
    stack.use(startRounds({ interval: kind.interval, report: board.add(kind), ...rounds }))
  }

  const { storagedriver, file, http, tcp } = checks
  if (storagedriver.enabled) {
    const { interval, threshold } = storagedriver
    const storage = { interval, storage: true } as const
    check(
      { ...storage, name: STORAGE, stops: 'all', threshold },
      { look: () => problemOf(seeVolume(volume.root), readProblem), late: lateProblem('read', interval) },
    )
    // At once: what cannot be written now is refused by the disk anyway, after the client has sent it.
    check(
      { ...storage, name: `${STORAGE}_write`, stops: 'writes', threshold: 1 },
      { look: () => problemOf(volume.tryDisk(), writeProblem), late: lateProblem('write', interval) },
    )
  }
  for (const { file: path, interval } of file) {
    check(
      { name: path, stops: 'all', threshold: 1, interval },
      {
        look: async () => ((await exists(path)) ? { message: 'file exists' } : undefined),
        late: { message: 'cannot be looked for: its disk does not answer' },
      },
    )
  }
  const late = { message: 'has not answered by the next round' }
  for (const { uri, headers, statuscode, timeout, interval, threshold } of http) {
    const asked = { uri, headers, statuscode, timeout: timeout > 0 ? timeout : interval }
    check({ name: shownUri(uri), stops: 'all', threshold, interval }, { look: () => checkHttp(out, asked), late })
  }
  for (const { addr, timeout, interval, threshold } of tcp) {
    const { host = '127.0.0.1', port = 0 } = parseAddress(addr) ?? {}
    const asked = { host, port, timeout: timeout > 0 ? timeout : interval }
    check({ name: addr, stops: 'all', threshold, interval }, { look: () => checkTcp(out, asked), late })
  }
  return Object.assign(board, { [Symbol.asyncDispose]: () => stack.disposeAsync() })
}

async function problemOf<Problem>(look: Promise<unknown>, explain: (error: unknown) => Problem) {
  try {
    await look
    return undefined
  } catch (error) {
    return explain(error)
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false
    throw error
  }
}
