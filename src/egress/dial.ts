import { connect, type Socket } from 'node:net'
import { EgressError } from './egress.ts'
import { codeOf } from './error-code.ts'

/** Begins a TCP connection. Tests put their own in its place, to see where one would go. */
export type Dial = (to: { readonly address: string; readonly port: number }) => Socket

export function systemDial({ address, port }: { readonly address: string; readonly port: number }): Socket {
  return connect({ host: address, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS })
}

/** A peer that is gone without a word is noticed, however long nothing is sent. */
const KEEP_ALIVE_MS = 15_000

/** How long an address is alone with its try (RFC 8305: 250 ms). */
const NEXT_AFTER_MS = 250

interface DialOptions {
  readonly port: number
  readonly dial: Dial
  readonly signal: AbortSignal
  /** For the error: `registry.example:443`. */
  readonly peer: string
  /** Told which of the addresses it is. */
  readonly connected?: (address: string) => void
}

/**
 * Connects to the first of the addresses that answers (RFC 8305): the next one is begun when one has failed, or has not
 * answered for a moment, and none is given up before another has won. Node's own gives up an address that is slow, and
 * so all of them on a slow line.
 */
export function dialFirst(addresses: readonly string[], options: DialOptions): Promise<Socket> {
  const { port, dial, signal, peer, connected } = options
  const waiting = alternated(addresses)
  const open = new Set<Socket>()
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let failed: unknown

    function settle(act: () => void): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      for (const socket of open) socket.destroy()
      act()
    }
    const stop = () => settle(() => reject(signal.reason))

    function next(): void {
      clearTimeout(timer)
      const address = waiting.shift()
      if (address === undefined) {
        if (open.size === 0) settle(() => reject(refusal(failed, peer)))
        return
      }
      timer = setTimeout(next, NEXT_AFTER_MS)
      const socket = dial({ address, port })
      open.add(socket)
      socket.once('connect', () => {
        open.delete(socket)
        connected?.(address)
        settle(() => resolve(socket))
      })
      // Stays for ever: a socket that breaks while nobody looks must not end the process (FC-106).
      socket.on('error', (error) => {
        failed ??= error
        if (open.delete(socket)) next()
      })
    }

    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    next()
  })
}

function refusal(error: unknown, peer: string): EgressError {
  const { code } = codeOf(error)
  const fault = code === 'ETIMEDOUT' ? 'timeout' : code === 'ECONNRESET' ? 'reset' : 'refused'
  return new EgressError('connect', fault, { peer, ...(code === undefined ? {} : { code }), cause: error })
}

/** The families in turn, beginning with that of the first: one of them may lead nowhere. */
export function alternated(addresses: readonly string[]): string[] {
  const isSix = (address: string) => address.includes(':')
  const first = addresses[0]
  if (first === undefined) return []
  const same = addresses.filter((address) => isSix(address) === isSix(first))
  const other = addresses.filter((address) => isSix(address) !== isSix(first))
  return same.flatMap((address, index) => [address, ...other.slice(index, index + 1)]).concat(other.slice(same.length))
}
