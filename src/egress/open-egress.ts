import { connect } from 'node:net'
import type { Dispatcher } from 'undici'
import { type Dial, systemDial } from './dial.ts'
import type { DoorOptions, Egress } from './egress.ts'
import { HttpDoor } from './http-door.ts'
import { readNoProxy } from './no-proxy.ts'
import { type Resolve, shareResolve, systemResolve } from './resolve.ts'
import { checkCa, Trust } from './trust.ts'
import { wayOf } from './way.ts'

interface EgressParts {
  readonly resolve?: Resolve
  readonly dial?: Dial
}

/** The way out. Variables like `HTTP_PROXY` are not looked at: routes come with a door, and checks are direct. */
export function openEgress({ resolve = systemResolve, dial = systemDial }: EgressParts = {}): Egress {
  const outside = { resolve: shareResolve(resolve), dial, trust: new Trust() }
  const doors = new Set<HttpDoor>()
  let agent: Dispatcher | undefined
  return {
    doorFor({ name, routes, noproxy, ca }: DoorOptions) {
      if (ca !== undefined) checkCa(ca, name)
      for (const route of routes)
        if (route.kind === 'proxy' && route.ca !== undefined) checkCa(route.ca, route.url.host)
      const door = new HttpDoor({ ...outside, ca, ways: routes.map(wayOf), noproxy: readNoProxy(noproxy) })
      doors.add(door)
      return door
    },

    async head({ method, url, headers = {}, timeout }) {
      const signal = AbortSignal.timeout(timeout)
      // Most servers never connect to anybody, and it takes 8 MB and a tenth of a second (measured).
      const { Agent, request: send } = await import('undici')
      // HTTP/2 has a window of its own, which makes a far peer slow. No connection is kept: checks are seldom.
      agent ??= new Agent({ allowH2: false, pipelining: 0 })
      const reply = await send(url, {
        method,
        headers: { ...headers } as Record<string, string>,
        dispatcher: agent,
        signal,
      })
      // Read to its end it could go on for ever; what is not read is cut off.
      reply.body.on('error', () => undefined)
      reply.body.destroy()
      return { status: reply.statusCode, headers: reply.headers }
    },

    dial: ({ host, port, timeout }) =>
      new Promise((settled, reject) => {
        const socket = connect({ host, port, timeout })
        const end = (settle: () => void) => {
          socket.destroy()
          settle()
        }
        socket.once('connect', () => end(settled))
        socket.once('timeout', () => end(() => reject(new Error(`No connection within ${timeout} ms`))))
        socket.once('error', (error) => end(() => reject(error)))
      }),

    async [Symbol.asyncDispose]() {
      await Promise.all([...doors].map((door) => door[Symbol.asyncDispose]()))
      await agent?.destroy()
    },
  }
}
