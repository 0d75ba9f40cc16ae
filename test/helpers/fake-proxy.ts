import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Certificates } from './certificates.ts'
import { ConnectionReader } from './connection-reader.ts'
import { page } from './faults.ts'
import { type RequestHead, takeRequest } from './request-head.ts'
import { allSent } from './sent-bytes.ts'
import { takeGreeting, takeSignIn, takeWish } from './socks-messages.ts'

/**
 * - `ok`: it does what a proxy does
 * - a status: CONNECT and plain requests are answered with it and a page; SOCKS with "general failure"
 * - `close`, `reset`: accepts the connection and ends it at the first bytes
 * - `hang`: accepts, and never answers
 * - `hang-after-connect`, `close-after-connect`: says that the connection is there, and carries nothing
 * - `html-200`: answers CONNECT with 200 and a page, as portals do
 * - `nonsense`: answers with what is no HTTP
 * - `unreachable`: says that it could not connect (502 with a page; SOCKS: "host unreachable")
 */
export type ProxyMode =
  | 'ok'
  | 'close'
  | 'reset'
  | 'hang'
  | 'hang-after-connect'
  | 'close-after-connect'
  | 'html-200'
  | 'nonsense'
  | 'unreachable'
  | number

export interface ProxyOptions {
  /** Who may use it. Default: everybody. */
  readonly user?: string
  readonly password?: string
  /** An HTTPS proxy: it speaks TLS itself. */
  readonly tls?: Certificates
  /** It ends the TLS of those who CONNECT with this certificate, reads along, and begins its own behind it. */
  readonly inspect?: Certificates
  /** Where names lead, with or without a port: `registry-1.docker.io` to a port of loopback. */
  readonly hosts?: Readonly<Record<string, number>>
  readonly port?: number
}

/** Somebody who was asked for. */
export interface ProxyTarget {
  readonly by: 'connect' | 'absolute' | 'socks'
  /** Host and port as they were asked for. */
  readonly target: string
  /** Of SOCKS: whether the name was left for the proxy to resolve. */
  readonly named: boolean
  /** Who signed in, as he was named. */
  readonly user?: string
}

/**
 * An HTTP proxy (CONNECT and whole URLs) and a SOCKS5 proxy on one port. It connects to loopback, and to nobody else: to
 * be asked for a host that is not in `hosts` and is not loopback fails the test.
 *
 *     await using proxy = await startFakeProxy({ user: 'alice', password: 's3cret', hosts: { 'ghcr.io': upstream.port } })
 *     … proxy.url() is http://alice:s3cret@127.0.0.1:port; proxy.url('socks5h') …
 *     proxy.mode = 407                       // or 'hang', 'close', … (`ProxyMode`); proxy.password = 'other'
 *     assert.deepEqual(proxy.targets.map(({ target }) => target), ['ghcr.io:443'])
 */
export async function startFakeProxy(options: ProxyOptions = {}): Promise<FakeProxy> {
  const proxy = new FakeProxy(options)
  await proxy.open(options.port)
  return proxy
}

export class FakeProxy implements AsyncDisposable {
  mode: ProxyMode = 'ok'
  /** May change while it runs. */
  password: string | undefined
  readonly hosts: Map<string, number>
  /** Hosts that it says it cannot reach, if asked by SOCKS. */
  readonly nowhere = new Set<string>()
  readonly targets: ProxyTarget[] = []
  /** How many connections came, and how many were sent away for their password. */
  connections = 0
  rejected = 0
  /** Bytes that were carried from the targets. */
  bytesDown = 0
  /** Heads of requests that came in the plain, or were read along. */
  readonly heads: RequestHead[] = []
  readonly unexpected: string[] = []
  readonly #options: ProxyOptions
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #inspecting: SecureContext | undefined

  constructor(options: ProxyOptions) {
    this.#options = options
    this.password = options.password
    this.hosts = new Map(Object.entries(options.hosts ?? {}))
  }

  get port(): number {
    if (this.#server === undefined) throw new Error('The proxy was not opened')
    return (this.#server.address() as AddressInfo).port
  }

  /** With the credentials that it wants. */
  url(scheme: 'http' | 'https' | 'socks5' | 'socks5h' = 'http', { credentials = true } = {}): string {
    const { user } = this.#options
    const own = credentials && user !== undefined && this.password !== undefined
    const before = own ? `${encodeURIComponent(user)}:${encodeURIComponent(this.password ?? '')}@` : ''
    return `${scheme}://${before}${scheme === 'https' ? 'localhost' : '127.0.0.1'}:${this.port}`
  }

  async open(port = 0): Promise<void> {
    const { tls, inspect } = this.#options
    const context = tls && (await contextOf(tls))
    this.#inspecting = inspect && (await contextOf(inspect))
    const server = createServer({ noDelay: true }, (socket) => {
      this.connections += 1
      this.#keep(socket)
      this.#greet(
        context ? this.#keep(new TLSSocket(socket, { isServer: true, secureContext: context })) : socket,
        socket,
      )
    })
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
    this.#server = server
  }

  /** Cuts every connection. */
  resetAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** From then on connections are refused. */
  async close(): Promise<void> {
    const server = this.#server
    if (!server?.listening) return
    await new Promise((resolve) => {
      server.close(resolve)
      this.resetAll()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    assert.deepEqual(this.unexpected, [], 'The proxy was asked for what it may not reach')
  }

  #keep<S extends Socket>(socket: S): S {
    this.#sockets.add(socket)
    socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket))
    return socket
  }

  #greet(socket: Socket, tcp: Socket): void {
    const reader = new ConnectionReader(socket)
    const serve = async () => {
      const first = await reader.take((bytes) => (bytes.length > 0 ? { value: bytes[0] ?? 0, rest: bytes } : undefined))
      if (this.mode === 'hang') return
      if (this.mode === 'close') return void socket.end()
      if (this.mode === 'reset') {
        await allSent(tcp)
        return void tcp.resetAndDestroy()
      }
      if (this.mode === 'nonsense') return void socket.end('SSH-2.0-OpenSSH_9.2\r\n\r\n')
      await (first === 5 ? this.#socks(reader, socket) : this.#http(reader, socket))
    }
    // Who leaves early gets nothing more; it is his test that notices.
    serve().catch(() => socket.destroy())
  }

  async #http(reader: ConnectionReader, socket: Socket): Promise<void> {
    for (;;) {
      const request = await reader.take((bytes) => {
        const taken = takeRequest(bytes)
        return taken && { value: taken.request, rest: taken.rest }
      })
      const isConnect = request.method === 'CONNECT'
      const target = isConnect ? request.target : hostAndPort(new URL(request.target))
      const user = this.#userOf(request.headers['proxy-authorization'])
      this.targets.push({ by: isConnect ? 'connect' : 'absolute', target, named: true, ...(user && { user }) })
      if (!isConnect) this.heads.push(request)
      const refusal = this.#httpRefusal(request)
      if (refusal !== undefined) {
        socket.write(refusal)
        continue
      }
      if (isConnect) return await this.#tunnel(reader, { socket, target, ready: ESTABLISHED })
      return await this.#forward(request, { socket, target })
    }
  }

  #httpRefusal(request: RequestHead): string | undefined {
    if (!this.#mayPass(request.headers['proxy-authorization'])) {
      this.rejected += 1
      return withPage(407, 'Cache Access Denied', ['Proxy-Authenticate: Basic realm="lab"'])
    }
    if (this.mode === 407) return withPage(407, 'Cache Access Denied', ['Proxy-Authenticate: NTLM'])
    if (typeof this.mode === 'number') return withPage(this.mode, 'The proxy says no')
    if (this.mode === 'unreachable') return withPage(502, 'Unable to connect')
    if (this.mode === 'html-200') return withPage(200, 'Sign in to the network')
    return undefined
  }

  async #socks(reader: ConnectionReader, socket: Socket): Promise<void> {
    const methods = await reader.take(takeGreeting)
    const { user: wanted } = this.#options
    let user: string | undefined
    if (wanted === undefined) {
      if (!methods.includes(0)) return void socket.end(Buffer.from([5, 0xff]))
      socket.write(Buffer.from([5, 0]))
    } else {
      if (!methods.includes(2)) {
        this.rejected += 1
        return void socket.end(Buffer.from([5, 0xff]))
      }
      socket.write(Buffer.from([5, 2]))
      const given = await reader.take(takeSignIn)
      user = given.user
      const right = user === wanted && given.password === this.password
      if (!right) this.rejected += 1
      if (!right) return void socket.end(Buffer.from([1, 1]))
      socket.write(Buffer.from([1, 0]))
    }
    const { host, port, named } = await reader.take(takeWish)
    const target = `${host}:${port}`
    this.targets.push({ by: 'socks', target, named, ...(user !== undefined && { user }) })
    const say = (code: number) => Buffer.from([5, code, 0, 1, 127, 0, 0, 1, 0, 0])
    if (typeof this.mode === 'number' || this.mode === 'html-200') return void socket.end(say(1))
    if (this.mode === 'unreachable' || this.nowhere.has(host)) return void socket.end(say(4))
    await this.#tunnel(reader, { socket, target, ready: say(0), failed: say(5) })
  }

  async #tunnel(
    reader: ConnectionReader,
    { socket, target, ready, failed = withPage(502, 'Unable to connect') }: TunnelOptions,
  ): Promise<void> {
    if (this.mode === 'hang-after-connect') return void socket.write(ready)
    if (this.mode === 'close-after-connect') return void socket.end(ready)
    const outside = await this.#reach(target).catch(() => undefined)
    if (outside === undefined) return void socket.end(failed)
    outside.on('data', (bytes) => (this.bytesDown += bytes.length))
    socket.write(ready)
    const rest = reader.release()
    if (this.#inspecting) return this.#readAlong(socket, outside, target)
    outside.write(rest)
    join(socket, outside)
  }

  /** TLS to both sides, each with its own certificate. */
  #readAlong(socket: Socket, outside: Socket, target: string): void {
    const inside = this.#keep(
      new TLSSocket(socket, { isServer: true, secureContext: this.#inspecting as SecureContext }),
    )
    const servername = target.replace(/:\d+$/, '')
    const onward = this.#keep(new TLSSocket(outside, { rejectUnauthorized: false, servername } as object))
    inside.on('data', (bytes: Buffer) => {
      const taken = takeRequest(bytes)
      if (taken) this.heads.push(taken.request)
    })
    join(inside, onward)
  }

  async #forward(request: RequestHead, { socket, target }: { socket: Socket; target: string }): Promise<void> {
    const outside = await this.#reach(target).catch(() => undefined)
    if (outside === undefined) return void socket.end(withPage(503, 'Unable to connect'))
    outside.on('data', (bytes) => (this.bytesDown += bytes.length))
    const { pathname, search } = new URL(request.target)
    const own = Object.entries(request.headers).filter(([name]) => !/^(proxy-.*|connection|keep-alive)$/.test(name))
    const lines = [...own.map(([name, value]) => `${name}: ${value}`), 'via: 1.1 fake', 'connection: close']
    outside.write(`${request.method} ${pathname}${search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${request.body}`)
    join(socket, outside)
  }

  async #reach(target: string): Promise<Socket> {
    const [, host = '', port = ''] = /^\[?(.+?)\]?:(\d+)$/.exec(target) ?? []
    const led = this.hosts.get(target) ?? this.hosts.get(host)
    if (led === undefined && !/^(localhost|127\..*|::1)$/.test(host)) {
      this.unexpected.push(target)
      throw new Error(`${target} is not loopback`)
    }
    const socket = connect({ host: led === undefined ? host : '127.0.0.1', port: led ?? Number(port), noDelay: true })
    this.#keep(socket)
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return socket
  }

  #mayPass(authorization: string | undefined): boolean {
    const { user } = this.#options
    if (user === undefined) return true
    return authorization === `Basic ${Buffer.from(`${user}:${this.password}`).toString('base64')}`
  }

  #userOf(authorization: string | undefined): string | undefined {
    const [, encoded] = /^Basic (.+)$/.exec(authorization ?? '') ?? []
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString().split(':')[0]
  }
}

interface TunnelOptions {
  readonly socket: Socket
  readonly target: string
  readonly ready: string | Buffer
  readonly failed?: string | Buffer
}

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n'

function withPage(status: number, title: string, headers: readonly string[] = []): string {
  const body = page(title)
  const lines = [`HTTP/1.1 ${status} Proxy`, 'Content-Type: text/html', `Content-Length: ${body.length}`, ...headers]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port === '' ? '80' : url.port}`
}

async function contextOf({ certificate, key }: Certificates): Promise<SecureContext> {
  return createSecureContext({ cert: await readFile(certificate), key: await readFile(key) })
}

function join(inside: Socket, outside: Socket): void {
  inside.pipe(outside)
  outside.pipe(inside)
  // A broken side breaks the other.
  for (const [one, other] of [
    [inside, outside],
    [outside, inside],
  ] as const)
    one.once('close', () => other.destroy())
}
