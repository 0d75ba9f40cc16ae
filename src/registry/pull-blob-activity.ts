import type { BlobReader } from '../blobs/blob-store.ts'
import { type Failure, UpstreamFailure } from '../upstream/upstream.ts'
import type { Activity, Asker, PullEnd } from './activity.ts'
import type { Fill } from './fill-blob.ts'

export interface BlobPullOptions {
  readonly asker: Asker
  readonly upstream: string
  readonly name: string
  readonly activity: Activity
  /** Milliseconds. */
  readonly clock: () => number
}

/** Tells, once, what came of a request for a blob. */
export class BlobPull {
  readonly #options: BlobPullOptions
  readonly #startedAt: number
  #fill: Fill | undefined
  #header: number | undefined
  #bytes = 0
  #told = false

  constructor(options: BlobPullOptions) {
    this.#options = options
    this.#startedAt = options.clock()
  }

  from(fill: Fill): void {
    this.#fill = fill
  }

  hit(): void {
    this.#answered()
    this.#tell('hit')
  }

  failed(error: unknown): void {
    this.#tell('failed', failureIn(error))
  }

  /** What is stored is sent. */
  stored(reader: BlobReader): BlobReader {
    this.hit()
    return reader
  }

  /** What comes from the upstream is sent: how that ends is told when the reader is closed. */
  reading(reader: BlobReader): BlobReader {
    this.#answered()
    let failure: { readonly error: unknown } | undefined
    return {
      ...(reader.atOnce !== undefined && { atOnce: reader.atOnce }),
      get size() {
        return reader.size
      },
      read: async (into, at) => {
        try {
          const length = await reader.read(into, at)
          this.#bytes += length
          return length
        } catch (error) {
          failure = { error }
          throw error
        }
      },
      close: async () => {
        await reader.close()
        if (failure?.error instanceof UpstreamFailure) this.failed(failure.error)
        else this.#tell('fetched')
      },
    }
  }

  #answered(): void {
    this.#header ??= this.#options.clock() - this.#startedAt
  }

  #tell(outcome: PullEnd['outcome'], failure?: Failure): void {
    if (this.#told) return
    this.#told = true
    const { asker, upstream, name, activity, clock } = this.#options
    const source = this.#fill?.source
    activity.pulled({
      ...{ asker, upstream, kind: 'blob', name, outcome, bytes: this.#bytes },
      ...(failure !== undefined && { failure }),
      attempts: source?.attempts ?? [],
      resumes: source?.resumes ?? 0,
      ms: { ...(this.#header !== undefined && { header: this.#header }), total: clock() - this.#startedAt },
    })
  }
}

function failureIn(error: unknown): Failure | undefined {
  return error instanceof UpstreamFailure ? error.failure : undefined
}
