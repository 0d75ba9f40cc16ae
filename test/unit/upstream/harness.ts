import { setTimeout as sleep } from 'node:timers/promises'
// Loaded when it is used first, which takes longer than any answer here.
import 'undici'
import { Secret } from '../../../src/base/secret.ts'
import type { RouteOption } from '../../../src/egress/egress.ts'
import { openEgress } from '../../../src/egress/open-egress.ts'
import type { Clock } from '../../../src/upstream/clock.ts'
import { openUpstream } from '../../../src/upstream/http-upstream.ts'
import {
  type AttemptMade,
  type Failure,
  type Running,
  type Upstream,
  UpstreamFailure,
} from '../../../src/upstream/upstream.ts'

function realClock(): Clock {
  return {
    now: () => 1_700_000_000_000 + performance.now(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) => sleep(ms, undefined, { ref: false, ...(signal && { signal }) }),
  }
}

/** So much faster than real time, so that ten seconds of patience are half a one; loopback answers in milliseconds. */
const SPEED = 10

/** A clock that runs faster, from a day that is not today. */
export function fastClock(): Clock {
  const began = performance.now()
  const elapsed = () => (performance.now() - began) * SPEED
  return {
    now: () => 1_700_000_000_000 + elapsed(),
    monotonic: elapsed,
    sleep: (ms, signal) => sleep(ms / SPEED, undefined, { ref: false, ...(signal && { signal }) }),
  }
}

export interface Opened extends AsyncDisposable {
  readonly upstream: Upstream
  readonly made: AttemptMade[]
  /** By route. */
  readonly received: Map<string, number>
}

export interface OpenOptions {
  readonly name?: string
  readonly url: string
  readonly login?: readonly [string, string]
  readonly realms?: readonly string[]
  readonly routes?: readonly RouteOption[]
  readonly ca?: string
  readonly clock?: Clock
  /** Names into addresses. Default: every one is this machine. */
  readonly resolve?: (name: string) => Promise<readonly string[]>
}

/** An upstream over the way out as it is, which records what is told of it. */
export function openTestUpstream(options: OpenOptions): Opened {
  const {
    name = 'fake.example',
    url,
    login,
    realms = [],
    routes = [{ kind: 'direct' }],
    ca,
    clock = realClock(),
  } = options
  // Looking names up takes threads that a loaded machine has not.
  const egress = openEgress({ resolve: options.resolve ?? (() => Promise.resolve(['127.0.0.1'])) })
  const door = egress.doorFor({ name, routes, noproxy: [], ...(ca !== undefined && { ca }) })
  const made: AttemptMade[] = []
  const received = new Map<string, number>()
  const upstream = openUpstream(
    {
      ...{ name, url: new URL(url), realms },
      ...(login && { username: login[0], password: new Secret(login[1]) }),
    },
    {
      ...{ door, clock, agent: 'homeport/test' },
      observe: {
        attempt: (_, attempt) => made.push(attempt),
        received: (_, route, bytes) => received.set(route, (received.get(route) ?? 0) + bytes),
      },
    },
  )
  return {
    ...{ upstream, made, received },
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]()
      await egress[Symbol.asyncDispose]()
    },
  }
}

/** The failure that it ends with. Whatever else it does fails the test. */
export async function failureOf(running: Running<unknown>): Promise<Failure> {
  try {
    await running.value
  } catch (error) {
    if (error instanceof UpstreamFailure) return error.failure
    throw error
  }
  throw new Error('It did not fail')
}
