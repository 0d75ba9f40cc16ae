import { randomUUID } from 'node:crypto'
import type { BlobWrite } from '../blobs/blob-store.ts'
import { Refusal } from '../oci/refusal.ts'
import { refuseCached } from './hosted.ts'
import type { Parts } from './parts.ts'
import { receive } from './receive.ts'
import type { Chunk, Uploads } from './registry.ts'
import { type Sweep, type Swept, sweepUploads } from './sweep-uploads.ts'
import { UploadSessions } from './upload-sessions.ts'

/** What the clock has done to uploads. */
export interface UploadUpkeep {
  sweep(sweep: Sweep): AsyncIterable<Swept>
}

/** Uploads from begin to commit, and mounts. */
export function pushBlob(
  parts: Pick<Parts, 'catalog' | 'blobs' | 'locks' | 'leases' | 'now'>,
): Uploads & UploadUpkeep & AsyncDisposable {
  const { catalog, blobs, locks, leases, now } = parts
  const sessions = new UploadSessions(catalog, blobs)

  async function take(write: BlobWrite, { body, span }: Chunk): Promise<void> {
    if (span !== undefined && span.start !== write.size) {
      throw new Refusal('upload-out-of-order', {
        because: `it begins at byte ${span.start}, and the upload has ${write.size}`,
        received: write.size,
      })
    }
    await receive(write, body, span?.length)
  }

  return {
    async begin(repository, caller, algorithm) {
      await refuseCached(catalog, repository)
      const id = randomUUID()
      await sessions.open({ id, repository, account: caller.account, algorithm, startedAt: now() })
      return { id, received: 0 }
    },

    append: (key, chunk) =>
      sessions.run(key, async (write) => {
        await take(write, chunk)
        return { id: key.id, received: write.size }
      }),

    finish: (key, digest, chunk) =>
      sessions.run(key, async (write) => {
        await take(write, chunk)
        const { repository } = key
        await sessions.endUnlessRetryable(key.id, () =>
          locks.run(digest, async () => {
            const { size } = await write.commit(digest)
            await catalog.write('commitBlob', { repository, digest, size })
            leases.give(digest)
          }),
        )
      }),

    status: (key) => sessions.run(key, async (write) => ({ id: key.id, received: write.size })),

    cancel: (key) =>
      sessions.run(key, async (write) => {
        await write.abort()
        await sessions.end(key.id)
      }),

    async mount(repository, digest, { from, caller }) {
      await refuseCached(catalog, repository)
      const homes = from === undefined ? await catalog.repositoriesOfBlob(digest) : [from]
      const home = homes.find((name) => caller.may('pull', name))
      if (home === undefined) return false
      return await locks.run(digest, async () => {
        const [size, stored] = [await catalog.blobSize(home, digest), await blobs.stat(digest)]
        if (size === undefined || stored?.size !== size) return false
        leases.give(digest)
        return await catalog.write('mountBlob', { repository, from: home, digest })
      })
    },

    sweep: (sweep) => sweepUploads({ catalog, blobs, sessions }, sweep),

    [Symbol.asyncDispose]: () => sessions[Symbol.asyncDispose](),
  }
}
