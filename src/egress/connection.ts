import type { Socket } from 'node:net'
import { alternated, type Dial, dialFirst } from './dial.ts'
import { EgressError, type EgressHop } from './egress.ts'
import { openTunnel } from './http-tunnel.ts'
import { type Network, networkOf, networkOfHost } from './network.ts'
import { addressesOf, type Resolve } from './resolve.ts'
import { secure } from './secure.ts'
import { openSocks, SOCKS_NO_WAY } from './socks-tunnel.ts'
import type { Trust } from './trust.ts'
import type { Peer, ProxyWay, Target, Way } from './way.ts'

/** What the world is reached with. */
export interface Outside {
  readonly resolve: Resolve
  readonly dial: Dial
  readonly trust: Trust
}

interface OpenOptions extends Outside {
  readonly way: Way
  /** PEM: whom to trust as the target. */
  readonly ca?: string | undefined
  readonly connectMs: number
  readonly signal: AbortSignal
  /** Whether one may go to such a network. */
  readonly mayEnter: (network: Network) => boolean
  /** Told in which network the target was found, when it has proved who it is. */
  readonly entered: (network: Network) => void
}

/** How far a connection has come. */
interface Progress extends OpenOptions {
  at: (hop: EgressHop, peer: Peer) => void
}

/** Connects by one way, to its end: proxy, tunnel and TLS. Throws an `EgressError`, or the reason of the signal. */
export async function openConnection(target: Target, options: OpenOptions): Promise<Socket> {
  // The first time it takes long, and is no part of the connection.
  if (target.secure) options.trust.contextFor(options.ca)
  let timeout = new EgressError('dns', 'timeout', { peer: target.peer })
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(timeout), options.connectMs)
  const signal = AbortSignal.any([giveUp.signal, options.signal])
  const opened: Socket[] = []
  const stop = () => {
    for (const socket of opened) socket.destroy()
  }
  signal.addEventListener('abort', stop)
  try {
    const at = (hop: EgressHop, { peer }: Peer) => {
      timeout = new EgressError(hop, 'timeout', { peer })
    }
    const socket = await open(target, { ...options, signal, at, opened: (first) => opened.push(first) })
    signal.throwIfAborted()
    return socket
  } catch (error) {
    stop()
    // How a connection broke says nothing where we broke it.
    signal.throwIfAborted()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

interface Opening extends Progress {
  readonly opened: (first: Socket) => void
}

async function open(target: Target, progress: Opening): Promise<Socket> {
  const { way, trust, ca, at, opened, entered } = progress
  let socket: Socket
  let place = target.host
  if (way.kind === 'direct') {
    const connected = (address: string) => (place = address)
    socket = await connectTo(target, { ...progress, addresses: await allowed(target, progress), connected })
    opened(socket)
  } else {
    // A name that we resolve is looked up first: where it cannot be, the proxy need not be asked.
    const hosts = way.resolvesNames ? [namedHost(target, progress)] : alternated(await allowed(target, progress))
    const by = { ...progress, way }
    ;[socket, place] = await firstReached(hosts, (host) => byProxy(host, target, by))
  }
  if (target.secure) {
    at('tls', target)
    socket = await secure(socket, { ...target, hop: 'tls', context: trust.contextFor(ca) })
  }
  entered(networkOfHost(place))
  return socket
}

/** The first of them that a proxy has a way to. Throws what it says of the first, where there is none. */
async function firstReached(
  hosts: readonly string[],
  reach: (host: string) => Promise<Socket>,
): Promise<[socket: Socket, host: string]> {
  let failed: unknown
  for (const host of hosts) {
    try {
      return [await reach(host), host]
    } catch (error) {
      if (!(error instanceof EgressError) || !SOCKS_NO_WAY.includes(error.facts.code ?? '')) throw error
      failed ??= error
    }
  }
  throw failed
}

/** By a connection of its own: after a refusal, a proxy takes nothing more on one. */
async function byProxy(host: string, target: Target, progress: Opening & { readonly way: ProxyWay }): Promise<Socket> {
  const { way, trust, at, opened } = progress
  at('dns', way)
  const first = await connectTo(way, { ...progress, addresses: await addressesOf(way, progress) })
  opened(first)
  try {
    at('proxy', way)
    const context = way.secure ? trust.contextFor(way.ca) : undefined
    const socket = context === undefined ? first : await secure(first, { ...way, hop: 'proxy', context })
    await throughProxy(socket, { way, target, host })
    return socket
  } catch (error) {
    first.destroy()
    throw error
  }
}

async function connectTo(
  peer: Peer,
  options: Progress & { readonly addresses: readonly string[]; readonly connected?: (address: string) => void },
): Promise<Socket> {
  const { at, addresses, dial, signal, connected } = options
  at('connect', peer)
  return await dialFirst(addresses, { ...peer, dial, signal, ...(connected && { connected }) })
}

/**
 * Addresses of the target that one may go to.
 *
 * Invariant: what was looked at is what is dialled. A name that is another's in the next moment gains nothing (T29).
 */
async function allowed(target: Target, progress: Progress): Promise<readonly string[]> {
  const addresses = await addressesOf(target, progress)
  const open = addresses.filter((address) => progress.mayEnter(networkOf(address)))
  if (open.length === 0) throw new EgressError('connect', 'forbidden-address', { peer: target.peer })
  return open
}

/** The target's name as the proxy is told it, if by its looks one may go there. */
function namedHost({ host, peer }: Target, { mayEnter }: Progress): string {
  if (!mayEnter(networkOfHost(host))) throw new EgressError('proxy', 'forbidden-address', { peer })
  return host
}

/** Plain HTTP goes to an HTTP proxy as it is; for all else it is asked to connect. */
async function throughProxy(
  socket: Socket,
  { way, target, host }: { readonly way: ProxyWay; readonly target: Target; readonly host: string },
): Promise<void> {
  if (way.kind === 'socks') return await openSocks(socket, { to: { host, port: target.port }, proxy: way })
  if (target.secure) await openTunnel(socket, { to: target.peer, proxy: way })
}
