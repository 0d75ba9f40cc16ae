import type { Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { DropArgument } from 'node:net'
import type { RequestLog } from './request-log.ts'

/** However many are turned away, the log has one line in so many milliseconds. */
const LINE_MS = 60_000

const HINT =
  'see who holds them, and let the process have more files open: LimitNOFILE= of systemd, --ulimit nofile= of docker run'

/** How often something that comes in floods is told of: how many came since the last time, or that it is too soon. */
export class Told {
  #at = Number.NEGATIVE_INFINITY
  #since = 0

  /** Counts one. `now`: milliseconds of a clock that never jumps. */
  count(now: number): number | undefined {
    this.#since += 1
    if (now - this.#at < LINE_MS) return undefined
    const count = this.#since
    this.#at = now
    this.#since = 0
    return count
  }
}

/** Closes connections beyond `most` as they come, and says so in the log. */
export function limitConnections(server: Server | HttpsServer, most: number | undefined, log: RequestLog): void {
  const [dropped, failed] = [new Told(), new Told()]
  if (most !== undefined) server.maxConnections = most
  server.on('drop', (drop?: DropArgument) => {
    const closed = dropped.count(performance.now())
    if (closed === undefined) return
    log.error(
      { connections: most, closed, 'http.request.remoteaddr': drop?.remoteAddress, hint: HINT },
      'connections are closed as they come: there are as many as the limit of open files allows',
    )
  })
  // Out of file descriptors, most likely: it passes.
  server.on('error', (error) => {
    const times = failed.count(performance.now())
    if (times !== undefined) log.error({ error, times }, 'a connection could not be taken')
  })
}
