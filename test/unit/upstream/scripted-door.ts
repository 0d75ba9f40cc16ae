import { Secret } from '../../../src/base/secret.ts'
import { type Answer, type Attempt, type Door, EgressError, type Route } from '../../../src/egress/egress.ts'
import { openUpstream, type UpstreamOptions } from '../../../src/upstream/http-upstream.ts'
import type { AttemptMade, Running, Upstream } from '../../../src/upstream/upstream.ts'
import { SteeredClock } from '../../helpers/steered-clock.ts'

/** What one request was, and when, in milliseconds of the steered clock. */
export interface Sent extends Attempt {
  readonly route: string
  readonly at: number
}

/** What is answered; what is thrown is thrown. */
export type Script = (sent: Sent) => Said | Promise<Said>

export interface Said {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** A way out that goes nowhere: the test says what each request comes to. */
export class ScriptedDoor implements Door {
  readonly sent: Sent[] = []
  readonly routes: readonly Route[]
  discarded = 0
  readonly #script: Script
  readonly #clock: SteeredClock

  constructor(routes: readonly string[], { script, clock }: { script: Script; clock: SteeredClock }) {
    this.routes = routes.map((name) => ({ name }))
    this.#script = script
    this.#clock = clock
  }

  routesTo(): readonly Route[] {
    return this.routes
  }

  async send(attempt: Attempt, route: Route): Promise<Answer> {
    const sent = { ...attempt, route: route.name, at: this.#clock.monotonic() }
    this.sent.push(sent)
    const { status, headers = {}, body = '' } = await unlessAborted(attempt.signal, this.#script(sent))
    const bytes = Buffer.from(body)
    return {
      status,
      headers: { 'content-length': String(bytes.length), ...headers },
      body: (async function* () {
        yield bytes
      })(),
      discard: () => {
        this.discarded += 1
      },
      ms: { connect: 0, header: 0 },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

async function unlessAborted<T>(signal: AbortSignal, work: T | Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  )
  return await Promise.race([work, aborted])
}

export const HANGS = (): Promise<Said> => new Promise(() => undefined)

export function refused(): never {
  throw new EgressError('connect', 'refused', { code: 'ECONNREFUSED' })
}

export function proxyWantsPassword(): never {
  throw new EgressError('proxy', 'proxy-refused', { status: 407, scheme: 'Basic', peer: 'proxy.lan:8080' })
}

export function untrusted(): never {
  throw new EgressError('tls', 'untrusted', { issuer: 'CN=Corp Root' })
}

export const BLOCKED: Said = {
  status: 403,
  headers: { 'content-type': 'text/html' },
  body: '<title>Not in your country</title>',
}

export const NOT_FOUND: Said = {
  status: 404,
  headers: { 'content-type': 'application/json' },
  body: '{"errors":[{"code":"NAME_UNKNOWN","message":"no"}]}',
}

export const TAGS: Said = { status: 200, headers: { 'content-type': 'application/json' }, body: '{"tags":["1"]}' }

export interface Scripted extends AsyncDisposable {
  readonly clock: SteeredClock
  readonly door: ScriptedDoor
  readonly upstream: Upstream
  readonly made: AttemptMade[]
  /** Asks for tags, which is one request where all is well. */
  ask(): Running<unknown>
}

/** An upstream over a scripted way out, on a clock that the test moves. */
export function scripted(
  routes: readonly string[],
  script: Script,
  options: Partial<UpstreamOptions> & { readonly login?: true } = {},
): Scripted {
  const clock = new SteeredClock()
  const door = new ScriptedDoor(routes, { script, clock })
  const made: AttemptMade[] = []
  const { login, ...more } = options
  const upstream = openUpstream(
    {
      ...{ name: 'reg.example', url: new URL('https://reg.example'), realms: [] },
      ...(login && { username: 'ci', password: new Secret('s3cret') }),
      ...more,
    },
    {
      ...{ door, agent: 'homeport/test' },
      clock: { now: () => clock.now, monotonic: clock.monotonic, sleep: clock.sleep },
      observe: { attempt: (_, attempt) => made.push(attempt), received: () => undefined },
    },
  )
  return {
    ...{ clock, door, upstream, made },
    ask: () => upstream.tags('library/a', { limit: 10 }),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  }
}
