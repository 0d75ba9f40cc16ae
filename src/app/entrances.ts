import type { Config } from '../config/settings.ts'
import { withBindings } from '../http/bound.ts'
import { type Answer, createHandler, type HandlerOptions } from '../http/dispatch.ts'
import type { SignIn } from '../http/guard.ts'
import { prefixOf } from '../http/prefix.ts'
import type { Route } from '../http/route.ts'
import { tokenAddresses } from '../http/token-address.ts'
import { type FrontKnown, type FrontOptions, openFront } from './front.ts'
import { openMirrors } from './mirrors.ts'
import { ownNames } from './own-names.ts'

/** Where clients come in: the server's own address, and those of upstreams that have one. */
export interface Entrances extends AsyncDisposable {
  /** The server's own: `127.0.0.1:5000`. */
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** Those of upstreams. */
  readonly mirrors: readonly { readonly upstream: string; readonly address: string }[]
  /** From now on requests are answered. */
  serve(serving: Serving): void
  /** Takes no new connections, and lets what runs come to its end. */
  drain(): Promise<void>
}

export interface Serving extends Pick<HandlerOptions, 'routes' | 'admit' | 'readOnly' | 'begun'>, FrontKnown {
  readonly signIn: SignIn & { mirrorOf(upstream: string): SignIn }
  readonly locate: NonNullable<HandlerOptions['locating']>['locate']
  /** What this server calls itself in `Via`. */
  readonly via: string
  /** Names of all that are cached. */
  readonly upstreams: Iterable<string>
}

type EntranceOptions = Omit<FrontOptions, 'address' | 'setting' | 'prefix' | 'drainMs' | 'most'> & {
  /** Connections at a time, at all of them together. */
  readonly most: number | undefined
}

/** Listens wherever the configuration says. What was opened is closed where something cannot be. */
export async function openEntrances({ http, upstreams = {} }: Config, options: EntranceOptions): Promise<Entrances> {
  await using stack = new AsyncDisposableStack()
  const listeners = 1 + Object.values(upstreams).filter((upstream) => upstream?.listen !== undefined).length
  const most = options.most === undefined ? undefined : Math.ceil(options.most / listeners)
  const common = { ...options, most, drainMs: http.draintimeout }
  const prefix = prefixOf(http)
  const front = stack.use(await openFront({ ...common, address: http.addr, prefix }))
  // What a proxy before us takes away, it takes away before the server's own address.
  const direct = { inward: prefix.inward, outward: prefix.inward }
  const mirrors = stack.use(await openMirrors(upstreams, { ...common, prefix: direct }))
  const own = ownNames({ host: http.host, certificates: options.tls?.source })
  const held = stack.move()

  return {
    ...{ address: front.address, scheme: front.scheme, mirrors: mirrors.addresses },
    serve({ routes, signIn, locate, via, upstreams: names, health, failing, ...rest }) {
      const locating = { locate, own, via }
      const known = { health, ...(failing && { failing }) }
      const handle = (
        probes: readonly Route[],
        more: Pick<HandlerOptions, 'signIn' | 'mirror' | 'tokenAddress'>,
      ): Answer => createHandler({ ...rest, ...more, locating, routes: [...probes, ...routes] })
      const hosts = hostsOf(upstreams)
      front.serve(
        withBindings(
          handle(front.routes, { signIn, tokenAddress: tokenAddresses({ host: http.host, prefix: prefix.outward }) }),
          { names: new Set(names), hosts },
        ),
        known,
      )
      mirrors.serve((upstream, probes) => {
        const answer = handle(probes, {
          ...{ signIn: signIn.mirrorOf(upstream), mirror: { upstream } },
          tokenAddress: tokenAddresses({ prefix: direct.outward }),
        })
        return withBindings(answer, { names: new Set([upstream]), hosts: new Map() })
      }, known)
    },
    drain: async () => void (await Promise.all([front.drain(), mirrors.drain()])),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function hostsOf(upstreams: NonNullable<Config['upstreams']>): Map<string, string> {
  return new Map(
    Object.entries(upstreams).flatMap(([name, upstream]) =>
      (upstream?.hosts ?? []).map((host) => [host.toLowerCase(), name] as const),
    ),
  )
}
