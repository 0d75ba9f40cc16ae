import type { ListenAddress } from '../config/address.ts'
import type { Answer } from '../http/dispatch.ts'
import type { Route } from '../http/route.ts'
import { type Front, type FrontKnown, type FrontOptions, openFront } from './front.ts'

/** Listeners of upstreams of their own (`upstreams.X.listen`), each for one of them alone. */
export interface Mirrors extends AsyncDisposable {
  /** Where each listens. */
  readonly addresses: readonly { readonly upstream: string; readonly address: string }[]
  /** From now on requests are answered by what `answerOf` makes for each; `probes` are routes of its table. */
  serve(answerOf: (upstream: string, probes: readonly Route[]) => Answer, known?: FrontKnown): void
  /** Takes no new connections, and lets what runs come to its end. */
  drain(): Promise<void>
}

type Upstreams = Readonly<Record<string, { readonly listen?: ListenAddress | undefined } | null>>

/** Opens one for each upstream that wants it, like the server's own in everything else. Until `serve` it answers 503. */
export async function openMirrors(
  upstreams: Upstreams,
  options: Omit<FrontOptions, 'address' | 'setting'>,
): Promise<Mirrors> {
  await using stack = new AsyncDisposableStack()
  const fronts: { readonly upstream: string; readonly front: Front }[] = []
  for (const [upstream, settings] of Object.entries(upstreams)) {
    if (settings?.listen === undefined) continue
    const setting = `upstreams.${upstream}.listen`
    fronts.push({ upstream, front: stack.use(await openFront({ ...options, address: settings.listen, setting })) })
  }
  const held = stack.move()

  async function drain(): Promise<void> {
    await Promise.all(fronts.map(({ front }) => front.drain()))
  }

  return {
    addresses: fronts.map(({ upstream, front }) => ({ upstream, address: front.address })),
    serve(answerOf, known) {
      for (const { upstream, front } of fronts) front.serve(answerOf(upstream, front.routes), known)
    },
    drain,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
