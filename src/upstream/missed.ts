import type { AskedHop, Judgement } from './causes.ts'
import { judgeWrong } from './causes.ts'
import type { FailureFacts, Wrong } from './upstream.ts'

/** What one attempt by one route came to. Stays in this room: others see `UpstreamFailure`. */
export class Missed extends Error {
  override readonly name = 'Missed'
  readonly judgement: Judgement
  readonly host: string
  /** Left out: the attempt's. A redirect may lead to what is reached another way. */
  readonly route: string | undefined

  constructor(judgement: Judgement, at: { readonly host: string; readonly route?: string }, cause?: unknown) {
    super(`${judgement.cause} at ${at.host}`, { cause })
    this.judgement = judgement
    this.host = at.host
    this.route = at.route
  }
}

/** Where an answer came from. */
export interface Whence {
  readonly hop: AskedHop
  readonly host: string
  readonly route: string
  readonly status: number
}

/** The answer is not what was asked for. */
export function wrongAnswer(from: Whence, wrong: Wrong, more: { facts?: FailureFacts; cause?: unknown } = {}): Missed {
  const { facts = {}, cause } = more
  return new Missed(judgeWrong(from.hop, wrong, { status: from.status, facts }), from, cause)
}
