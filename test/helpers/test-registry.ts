import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import type { AccessSettings } from '../../src/auth/access.ts'
import { parseBasic } from '../../src/auth/basic.ts'
import type { MainSignIn } from '../../src/auth/sign-in.ts'
import type { BlobStore } from '../../src/blobs/blob-store.ts'
import { withBindings } from '../../src/http/bound.ts'
import { BufferPool } from '../../src/http/buffer-pool.ts'
import { createHandler, type Outcome } from '../../src/http/dispatch.ts'
import type { SignIn } from '../../src/http/guard.ts'
import { type Prefix, withPrefix } from '../../src/http/prefix.ts'
import type { Reply } from '../../src/http/route.ts'
import { type Limits, routes } from '../../src/http/routes.ts'
import { sendBlob } from '../../src/http/send-blob.ts'
import { tokenAddresses } from '../../src/http/token-address.ts'
import type { Cache } from '../../src/registry/cache.ts'
import type { Policy } from '../../src/registry/parts.ts'
import type { Action, Caller } from '../../src/registry/registry.ts'
import type { Image } from './images.ts'
import { openTestRules, type TestRules } from './test-rules.ts'
import { testSignIn } from './test-sign-in.ts'

export interface TestRegistryOptions {
  readonly policy?: Partial<Policy>
  readonly cache?: Partial<Cache>
  readonly blobs?: BlobStore
  /** Accounts, all with the password `secret`, and what each may do. Left out: open to everybody. */
  readonly users?: Readonly<Record<string, Rights>>
  /** Rules, by the real sign-in: what `users` says of rights does not count then. */
  readonly access?: AccessSettings
  readonly limits?: Limits
  readonly readOnly?: boolean
  readonly prefix?: Prefix
  /** Upstreams by the host names that are bound to them. */
  readonly hosts?: Readonly<Record<string, string>>
  /** Names of the registry, beside the `Host` of a request. */
  readonly own?: readonly string[]
  /** The upstream whose own listener it is. */
  readonly mirror?: string
}

export type Rights = 'everything' | ((action: Action, repository: string) => boolean)

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** A list is sent without a length, as chunks. */
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** One of the accounts. */
  readonly as?: string
  /** The client's address. */
  readonly peer?: string
  /** Where it reached us. */
  readonly origin?: { readonly scheme: 'http' | 'https'; readonly host: string }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly bytes: Buffer
  readonly text: string
  readonly outcome: Outcome
}

/** Sends `METHOD target`. Every answer is checked for what all of them must have. */
export type Send = (line: string, options?: RequestOptions) => Promise<Answer>

export interface TestRegistry extends AsyncDisposable {
  readonly request: Send
  readonly rules: TestRules
  /** Where there are rules. */
  readonly signIn: MainSignIn | undefined
  /** An image with all below it, through the protocol; the last step gives it its tag. */
  push(repository: string, image: Image, reference?: string): Promise<void>
}

/** The whole protocol without a port: routes, guard and errors over the real rules, a real catalog, and blobs in memory. */
export async function testRegistry({
  users,
  access,
  limits,
  readOnly = false,
  prefix = { inward: '/', outward: '/' },
  hosts = {},
  own = [],
  mirror,
  ...options
}: TestRegistryOptions = {}): Promise<TestRegistry> {
  const rules = await openTestRules(options)
  const table = routes(rules.registry, limits)
  const upstreams = [...(options.cache?.upstreams?.keys() ?? [])]
  const signIn =
    access && testSignIn({ users: Object.keys(users ?? {}), access, upstreams, now: () => rules.clock.now })
  const real = mirror === undefined ? signIn : signIn?.mirrorOf(mirror)
  const handler = createHandler({
    ...{ routes: table, signIn: real ?? signInOf(users), readOnly },
    tokenAddress: tokenAddresses({ prefix: prefix.outward }),
    locating: { locate: (asked) => rules.registry.locate(asked), own: () => own },
    ...(mirror !== undefined && { mirror: { upstream: mirror } }),
  })
  const names = new Set(mirror === undefined ? upstreams : [mirror])
  const answer = withPrefix(withBindings(handler, { names, hosts: new Map(Object.entries(hosts)) }), prefix)
  let requests = 0

  async function request(line: string, { headers = {}, body, as, ...from }: RequestOptions = {}): Promise<Answer> {
    const [method = '', target = ''] = line.split(' ')
    const whole = typeof body === 'string' || body instanceof Uint8Array
    requests += 1
    const outcome = await answer({
      id: `request-${requests}`,
      ...{ method, target, peer: '192.0.2.1', origin: { scheme: 'https', host: headers['host'] ?? HOST }, ...from },
      headers: {
        ...(whole && { 'content-length': String(Buffer.byteLength(body)) }),
        ...(as !== undefined && { authorization: basic(as, 'secret') }),
        ...headers,
      },
      body: chunksOf(body),
      signal: new AbortController().signal,
    })
    const { status, headers: answered } = outcome.reply
    const bytes = await bytesOf(outcome.reply)
    const sent = { status, headers: answered, bytes, text: bytes.toString(), outcome }
    assertWellFormed(sent, method, { line, tokens: access !== undefined })
    return sent
  }

  async function push(repository: string, image: Image, reference: string = image.manifest.digest): Promise<void> {
    for (const child of image.children) await push(repository, child)
    for (const [digest, body] of image.blobs) {
      const { status, text } = await request(`POST /v2/${repository}/blobs/uploads/?digest=${digest}`, { body })
      assert.equal(status, 201, text)
    }
    const headers = { 'content-type': image.manifest.mediaType }
    const put = await request(`PUT /v2/${repository}/manifests/${reference}`, { headers, body: image.manifest.bytes })
    assert.equal(put.status, 201, put.text)
  }

  return { request, rules, signIn, push, [Symbol.asyncDispose]: () => rules[Symbol.asyncDispose]() }
}

/** Where a client reached us, if it does not say so. */
const HOST = 'reg.example:5000'

export function basic(account: string, password: string): string {
  return `Basic ${Buffer.from(`${account}:${password}`).toString('base64')}`
}

/** The code in the body of an error. */
export function codeOf({ text }: Pick<Answer, 'text'>): string {
  return JSON.parse(text).errors[0].code
}

function signInOf(users: TestRegistryOptions['users']): SignIn {
  const anyone: Caller = { account: '', may: () => true }
  return {
    required: users !== undefined,
    challenge: 'Basic realm="Homeport"',
    async callerFor(authorization) {
      if (users === undefined) return anyone
      const credentials = parseBasic(authorization)
      const rights = credentials && users[credentials.account]
      if (rights === undefined || credentials?.password.reveal() !== 'secret') return undefined
      return { account: credentials.account, may: rights === 'everything' ? () => true : rights }
    },
  }
}

async function* chunksOf(body: RequestOptions['body']): AsyncGenerator<Uint8Array> {
  const chunks = body === undefined ? [] : typeof body === 'string' || body instanceof Uint8Array ? [body] : body
  for (const chunk of chunks) yield Buffer.from(chunk)
}

/** As the socket would get them, through the same sender; its pool must have everything back. */
async function bytesOf({ body }: Reply): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0)
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body)
  const chunks: Buffer[] = []
  const pool = new BufferPool()
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  await sendBlob(socket, body, { pool })
  assert.equal(pool.lent, 0)
  return Buffer.concat(chunks)
}

/** Its size is not known before its end. */
function isEndless({ reply: { body } }: Outcome): boolean {
  return typeof body === 'object' && 'end' in body && body.end === Infinity
}

/** What every answer has. */
function assertWellFormed(
  { status, headers, bytes, text, outcome }: Answer,
  method: string,
  { line, tokens }: { line: string; tokens: boolean },
): void {
  assert.equal(headers['docker-distribution-api-version'], 'registry/2.0', line)
  assert.equal(headers['x-content-type-options'], 'nosniff', line)
  assert.equal(headers['content-encoding'], undefined, line)
  if (status === 204 || status === 304 || method === 'HEAD') assert.equal(bytes.length, 0, line)
  else assert.equal(headers['content-length'], isEndless(outcome) ? undefined : String(bytes.length), line)
  if (status < 400 || method === 'HEAD') return
  assert.equal(headers['content-type'], 'application/json', line)
  const { errors } = JSON.parse(text)
  assert.ok(errors.length > 0, line)
  for (const { code, message } of errors) {
    assert.match(code, /^[A-Z_]+$/, line)
    assert.match(message, /\(request request-\d+\)$/, line)
  }
  if (status === 401 && !tokens) assert.equal(headers['www-authenticate'], 'Basic realm="Homeport"', line)
  if (status === 401) assert.match(String(headers['www-authenticate']), /^(Basic|Bearer) realm="[^"]+"/, line)
}
