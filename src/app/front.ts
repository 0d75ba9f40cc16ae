import { LONGEST_TIMER } from '../base/duration.ts'
import type { Log } from '../base/log.ts'
import { type Answer, createHandler, refuse } from '../http/dispatch.ts'
import type { SignIn } from '../http/guard.ts'
import { type Prefix, withPrefix } from '../http/prefix.ts'
import { probes, type Stage } from '../http/probes.ts'
import type { Route } from '../http/route.ts'
import { type ServerOptions, startServer } from '../http/server.ts'
import { Refusal } from '../oci/refusal.ts'
import type { FailingUpstream } from '../ops/failing-upstreams.ts'
import type { Health } from '../ops/health.ts'

/** What clients meet, from the moment that the folder is held. */
export interface Front extends AsyncDisposable {
  /** Where it listens: `127.0.0.1:5000`. */
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** Of the probes, for the table of routes. */
  readonly routes: readonly Route[]
  /** From now on requests are answered by `answer`, and `/readyz` says what `known` says. */
  serve(answer: Answer, known?: FrontKnown): void
  /** Takes no new connections, and lets what runs come to its end. */
  drain(): Promise<void>
}

/** For `/readyz`. */
export interface FrontKnown {
  readonly health: Pick<Health, 'admit' | 'degraded'>
  /** Upstreams that fail. */
  readonly failing?: () => readonly FailingUpstream[]
}

/** Where a front listens, and how. */
export type FrontOptions = Omit<ServerOptions, 'answer' | 'log'> & {
  readonly log: Log
  readonly drainMs: number
  readonly prefix: Prefix
}

/** Seconds after which a client may ask again whether the folder is adopted. */
const RETRY_AFTER = 5

/** On routes that are all open, nobody is asked who he is. */
export const OPEN_TO_ALL: SignIn = { required: false, challenge: '', callerFor: async () => undefined }

/**
 * Listens, and answers for a server that is not ready yet: the first start on a folder of registry:2 may take minutes,
 * in which `/healthz` is 200, `/readyz` and everything else 503.
 */
export async function openFront({ log, drainMs, prefix, ...options }: FrontOptions): Promise<Front> {
  let stage: Stage = 'adopting'
  let known: FrontKnown | undefined
  const routes = probes({ stage: () => stage, health: () => known?.health, failing: () => known?.failing?.() ?? [] })
  let current = notYet(createHandler({ routes, signIn: OPEN_TO_ALL }))

  const server = await startServer({
    ...options,
    log,
    // Whatever is said because of a request names it.
    answer: withPrefix((arrival) => log.within({ 'http.request.id': arrival.id }, () => current(arrival)), prefix),
  })
  log.debug({ address: server.address }, 'listening, and answering 503 until the folder is ready')

  async function drain(): Promise<void> {
    stage = 'draining'
    await server.close(Math.min(drainMs, LONGEST_TIMER))
  }

  return {
    ...{ address: server.address, scheme: server.scheme, routes },
    serve(answer, all) {
      current = answer
      known = all
      stage = 'serving'
    },
    drain,
    [Symbol.asyncDispose]: drain,
  }
}

function notYet(probe: Answer): Answer {
  return async (arrival) => {
    const outcome = await probe(arrival)
    if (outcome.route !== undefined) return outcome
    const because = 'the server is starting, and reads its folder'
    return refuse(new Refusal('unavailable', { because, retryAfter: RETRY_AFTER }), arrival)
  }
}
