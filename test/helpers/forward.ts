import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server } from 'node:net'

/** Carries connections to `from` on to `to`, in both directions; resolves when it listens. */
export async function forward(from: ListenOptions, to: NetConnectOpts): Promise<Server> {
  // Each direction ends by itself: with one pipeline for both, what a slow client had not read was lost when the other ended.
  const server = createServer({ allowHalfOpen: true }, (inside) => {
    const outside = connect({ ...to, allowHalfOpen: true })
    // A side that breaks off breaks the other; the test sees it there.
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      one.pipe(other)
      one.once('error', () => other.destroy())
      one.once('close', () => other.end())
    }
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(from, resolve))
  return server
}

// As a program: in another network namespace, to or from a socket file, which all namespaces share.
if (import.meta.main) {
  const [from = '', to = ''] = process.argv.slice(2)
  await forward(JSON.parse(from), JSON.parse(to))
  console.log('listening')
}
