import type { Asking } from './asking.ts'
import type { Clock } from './clock.ts'
import { failureFrom } from './failure.ts'
import { bytesOf, type OpenedBlob } from './fetch-blob.ts'
import { Missed } from './missed.ts'
import type { RouteHealth } from './route-health.ts'
import { type BlobDownload, UpstreamFailure } from './upstream.ts'

interface DownloadOptions {
  readonly asking: Asking
  readonly name: string
  readonly clock: Clock
  readonly health: RouteHealth
}

interface BodyOptions extends DownloadOptions {
  readonly cancelled: AbortSignal
}

/** A blob whose headers are here. That its body breaks is told to who reads it, and of the route. */
export function openDownload(opened: OpenedBlob, options: DownloadOptions): BlobDownload {
  const { at, size, reply } = opened
  const cancelled = new AbortController()
  const cancel = () => {
    cancelled.abort()
    reply.discard()
  }
  return {
    ...{ at, route: reply.route, body: body(opened, { ...options, cancelled: cancelled.signal }), cancel },
    ...(size !== undefined && { size }),
  }
}

async function* body(opened: OpenedBlob, options: BodyOptions): AsyncGenerator<Uint8Array> {
  const { asking, name, clock, health, cancelled } = options
  const began = clock.monotonic()
  try {
    yield* bytesOf(opened)
  } catch (error) {
    if (cancelled.aborted) return
    if (!(error instanceof Missed)) throw error
    const failure = failureFrom(error, { name, now: clock.now() })
    asking.broke(opened.reply, failure.cause)
    if (error.judgement.ofRoute) health.failed(asking.egressRoute, failure, { began })
    throw new UpstreamFailure(failure, error)
  } finally {
    opened.reply.discard()
  }
}
