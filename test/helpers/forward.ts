import { connect, createServer, type ListenOptions, type NetConnectOpts, type Server } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** Carries connections to `from` on to `to`, in both directions; resolves when it listens. */
export async function forward(from: ListenOptions, to: NetConnectOpts): Promise<Server> {
  const server = createServer((inside) => {
    const outside = connect(to)
    // A side that breaks off breaks the other; the test sees it there.
    pipeline(inside, outside, inside).catch(() => {})
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
