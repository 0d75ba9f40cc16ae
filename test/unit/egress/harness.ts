import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { type Dial, systemDial } from '../../../src/egress/dial.ts'
import { type Answer, type Attempt, type Door, EgressError, type RouteOption } from '../../../src/egress/egress.ts'
import { openEgress } from '../../../src/egress/open-egress.ts'
import type { Resolve } from '../../../src/egress/resolve.ts'
import { readRoute } from '../../../src/egress/route-option.ts'
import type { Certificates } from '../../helpers/certificates.ts'

/** A server on loopback that is not believed to speak HTTP: `serve` gets each head, and the connection. */
export interface RawServer extends AsyncDisposable {
  readonly port: number
  /** Heads of requests, whole. */
  readonly heads: readonly string[]
  readonly sockets: ReadonlySet<Socket>
  connections: number
}

interface RawOptions {
  readonly tls?: Certificates
  /** At each connection, before anything was read. True: no more is done with it. */
  readonly greet?: (socket: Socket) => boolean
}

export type Serve = (socket: Socket, head: string, nth: number) => void

export async function rawServer(serve: Serve | string, { tls, greet }: RawOptions = {}): Promise<RawServer> {
  const answer = typeof serve === 'string' ? (socket: Socket) => socket.write(serve) : serve
  const heads: string[] = []
  const sockets = new Set<Socket>()
  const secureContext =
    tls && createSecureContext({ cert: await readFile(tls.certificate), key: await readFile(tls.key) })
  const server = createServer({ noDelay: true }, (tcp) => {
    raw.connections += 1
    sockets.add(tcp)
    tcp.on('error', () => undefined).once('close', () => sockets.delete(tcp))
    if (greet?.(tcp)) return
    const socket = secureContext ? new TLSSocket(tcp, { isServer: true, secureContext }) : tcp
    socket.on('error', () => undefined)
    let unread = ''
    socket.on('data', (bytes: Buffer) => {
      unread += bytes.toString('latin1')
      for (let end = unread.indexOf('\r\n\r\n'); end !== -1; end = unread.indexOf('\r\n\r\n')) {
        heads.push(unread.slice(0, end))
        unread = unread.slice(end + 4)
        answer(socket, heads.at(-1) ?? '', heads.length)
      }
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const raw: RawServer = {
    ...{ port: (server.address() as AddressInfo).port, heads, sockets, connections: 0 },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return raw
}

export interface TestDoor extends AsyncDisposable {
  readonly door: Door
  /** By the first route, unless it is said. */
  send(url: string, options?: Partial<Attempt> & { readonly nth?: number }): Promise<Answer>
  /** Address and port of each connection that was begun. */
  readonly dialled: readonly string[]
}

interface TestDoorOptions {
  readonly routes?: readonly (string | RouteOption)[]
  readonly noproxy?: readonly string[]
  readonly ca?: string
  readonly resolve?: Resolve
  readonly dial?: Dial
}

/** A door that resolves every name to loopback, and connects to nobody else. */
export function testDoor(options: TestDoorOptions = {}): TestDoor {
  const { routes = ['direct'], noproxy = [], ca, resolve = async () => ['127.0.0.1'], dial = systemDial } = options
  const dialled: string[] = []
  const egress = openEgress({
    resolve,
    dial: (to) => {
      dialled.push(`${to.address}:${to.port}`)
      assert.match(to.address, /^(?:127\.|::1$)/, `${to.address} is not loopback`)
      return dial(to)
    },
  })
  const read = (route: string | RouteOption) => (typeof route === 'string' ? readRoute(route, 'routes') : route)
  const door = egress.doorFor({
    name: 'reg.example',
    routes: routes.map(read),
    noproxy,
    ...(ca !== undefined && { ca }),
  })
  return {
    ...{ door, dialled },
    async send(address, { nth = 0, ...options } = {}) {
      const url = new URL(address)
      const route = door.routesTo(url)[nth]
      if (route === undefined) throw new Error('No such route')
      const signal = new AbortController().signal
      return await door.send(
        { method: 'GET', url, headers: {}, connectMs: 5_000, headerMs: 5_000, signal, ...options },
        route,
      )
    },
    [Symbol.asyncDispose]: () => egress[Symbol.asyncDispose](),
  }
}

export async function textOf({ body }: Answer): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** What an attempt came to, in one line: `proxy: proxy-refused 407 Basic`, or `200 body`. */
export async function outcome(answer: Promise<Answer>): Promise<string> {
  try {
    const { status, body } = await answer
    return `${status} ${await textOf({ body } as Answer)}`
  } catch (error) {
    if (!(error instanceof EgressError)) throw error
    return `${error.hop}: ${error.fault}`
  }
}

export async function faultOf(answer: Promise<Answer>): Promise<EgressError> {
  try {
    await textOf(await answer)
  } catch (error) {
    if (error instanceof EgressError) return error
    throw error
  }
  throw new Error('It went well')
}

export function ok(body: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

/** The root that signed it, as PEM. */
export async function trusting({ ca }: Certificates): Promise<string> {
  return await readFile(ca, 'utf8')
}

/** A route by a proxy whose certificate, if it has one, is trusted. */
export async function proxied(url: string, tls?: Certificates): Promise<RouteOption> {
  const route = readRoute(url, 'routes')
  return route.kind === 'direct' || tls === undefined ? route : { ...route, ca: await trusting(tls) }
}
