import { type RequestHead, urlOf } from './request-head.ts'
import { jsonReply, type Reply, registryError } from './scripted-reply.ts'
import { type ScriptedOptions, ScriptedServer } from './scripted-server.ts'

export interface TokenOptions extends ScriptedOptions {
  readonly service?: string
  /** Passwords by name. Without: whoever asks has a token. */
  readonly users?: Readonly<Record<string, string>>
}

/** What a token's answer holds. */
export interface TokenShape {
  /** Default: both. */
  readonly fields?: readonly ('token' | 'access_token')[]
  /** Seconds as they are told; `undefined`: they are not told. Default: 300. */
  readonly expiresIn?: number | undefined
  /** `issued_at`, in seconds from now. Left out: it is not told. */
  readonly issuedAt?: number
}

/**
 * The realm of a registry. It accepts its tokens itself, until they are revoked.
 *
 *     await using tokens = await startFakeTokenServer({ users: { ci: 'secret' } })
 *     await using upstream = await startFakeUpstream({ images, auth: tokens })
 *     tokens.shape = { fields: ['access_token'], expiresIn: 1, issuedAt: -600 }
 *     tokens.revoke()                          // those given so far are 401 at the upstream
 *     tokens.next('/token?*', FAULTS.close)    // as every scripted server
 *     assert.equal(tokens.count('/token?*'), 1)
 */
export async function startFakeTokenServer(options: TokenOptions = {}): Promise<FakeTokenServer> {
  const server = new FakeTokenServer(options)
  await server.open(options)
  return server
}

export class FakeTokenServer extends ScriptedServer {
  readonly service: string
  shape: TokenShape = {}
  /** Scopes by token, as they were asked for. */
  readonly given = new Map<string, string>()
  readonly #users: Readonly<Record<string, string>> | undefined
  #count = 0

  constructor({ service = 'registry.fake', users }: TokenOptions = {}) {
    super()
    this.service = service
    this.#users = users
  }

  get realm(): string {
    return `${this.publicUrl ?? this.url}/token`
  }

  challengeFor(scope: string): string {
    return `Bearer realm="${this.realm}",service="${this.service}",scope="${scope}"`
  }

  revoke(): void {
    this.given.clear()
  }

  /** Whether the header holds a token for this repository. */
  accepts(authorization: string | undefined, scope: string): boolean {
    const [, token = ''] = /^Bearer (.+)$/i.exec(authorization ?? '') ?? []
    return this.given.get(token) === scope
  }

  protected override answer(request: RequestHead): Reply | undefined {
    const { pathname, searchParams } = urlOf(request)
    if (request.method !== 'GET' || pathname !== '/token' || searchParams.get('service') !== this.service)
      return undefined
    if (!this.#knows(request.headers['authorization'])) return registryError(401, 'UNAUTHORIZED')

    this.#count += 1
    const token = `fake-token-${this.#count}`
    this.given.set(token, searchParams.get('scope') ?? '')
    const { fields = ['token', 'access_token'], issuedAt } = this.shape
    const expiresIn = 'expiresIn' in this.shape ? this.shape.expiresIn : 300
    return jsonReply(200, {
      ...Object.fromEntries(fields.map((field) => [field, token])),
      ...(expiresIn !== undefined && { expires_in: expiresIn }),
      ...(issuedAt !== undefined && { issued_at: new Date(Date.now() + issuedAt * 1000).toISOString() }),
    })
  }

  #knows(authorization: string | undefined): boolean {
    if (this.#users === undefined) return authorization === undefined
    if (authorization === undefined) return true
    const [, encoded = ''] = /^Basic (.+)$/.exec(authorization) ?? []
    const [, name = '', password] = /^([^:]*):(.*)$/.exec(Buffer.from(encoded, 'base64').toString()) ?? []
    return password !== undefined && this.#users[name] === password
  }
}
