import { unlessAborted } from '../base/unless-aborted.ts'
import type { BlobReader } from '../blobs/blob-store.ts'
import type { Digest } from '../oci/digest.ts'
import { objectFrom } from '../oci/manifest-json.ts'
import { type Failure, type Running, UpstreamFailure } from '../upstream/upstream.ts'
import type { Asker } from './activity.ts'
import { type CachedRepository, cachedRepository } from './cached-repository.ts'
import type { Fill } from './fill-blob.ts'
import { RangedReader, worthAsking } from './fill-range.ts'
import type { PullBlobParts } from './pull-blob.ts'
import { BlobPull } from './pull-blob-activity.ts'
import type { Blobs, FoundBlob } from './registry.ts'
import { notCached, refusalOf } from './upstream-refusal.ts'

type Options = Parameters<Blobs['findBlob']>[2]
type Part = Parameters<FoundBlob['open']>[0]

/** A request for a blob, and what it is a request for. */
interface Request {
  readonly at: CachedRepository
  readonly digest: Digest
  readonly asker: Asker
  readonly pull: BlobPull
  /** Of `Cache.monotonic`: when the client is told, whatever is known by then. */
  readonly until: number
  /** It was found out that what is stored may be shown. */
  readonly earned?: boolean
}

interface Shown {
  readonly size?: number
  readonly earned: boolean
}

/**
 * A blob of a cached repository.
 *
 * Knowing a digest gives no right here either, nor does writing it into a manifest. It is shown if the repository had
 * it before, if the upstream, asked for it in that repository, has it, or if a stored manifest of the repository names
 * it and it came from that upstream.
 *
 * Resolves to `undefined` for what is no blob: a manifest that is stored.
 */
export function pullCachedBlob(parts: PullBlobParts) {
  const { catalog, blobs, locks, cache, fills, now, report } = parts
  /** Questions whether a repository has a blob, one for everybody who asks. */
  const asking = new Map<string, Running<{ size?: number }>>()

  /** Bytes of what the repository may show: as it is tied, or as a manifest of it says. `earned`: also what is stored. */
  async function shown({ at, digest }: Request): Promise<Shown | undefined> {
    const tied = await catalog.blobSize(at.repository, digest)
    if (tied !== undefined) return { size: tied, earned: true }
    const manifest = await catalog.manifestNaming(at.repository, digest)
    if (manifest === undefined) return undefined
    const earned = await cameFrom(at, digest)
    const size = (earned ? await catalog.blobAnywhere(digest) : undefined) ?? sizeIn(manifest.bytes, digest)
    return size === undefined ? { earned } : { size, earned }
  }

  /**
   * Whether a repository of the same upstream has it, or of one that gives it to everybody: a client that has a layer of
   * one image does not ask for it again for the next, and with the Internet gone it is to be had all the same. Anybody may
   * write a manifest that names what is hosted here, or private elsewhere (T7).
   */
  async function cameFrom({ upstream }: CachedRepository, digest: Digest): Promise<boolean> {
    for (const home of await catalog.repositoriesOfBlob(digest)) {
      const theirs = cachedRepository(home, cache)
      if (theirs === undefined || (theirs.upstream !== upstream && theirs.signsIn === true)) continue
      if ((await catalog.repository(home))?.kind === 'cached') return true
    }
    return false
  }

  /** Bytes of what is stored, whosever it is. `undefined`: it is not, and no download of it has ended meanwhile. */
  async function storedSize(digest: Digest): Promise<number | undefined> {
    for (;;) {
      const { ended } = fills
      const size = await catalog.blobAnywhere(digest)
      if (size !== undefined && (await blobs.stat(digest))?.size === size) return size
      if (fills.ended === ended) return undefined
    }
  }

  async function openStored(digest: Digest, size: number): Promise<BlobReader | undefined> {
    const reader = await blobs.open(digest)
    if (reader === undefined || reader.size === size) return reader
    await reader.close()
    const facts = { digest, size, found: reader.size }
    report('a cached blob has another size than it was stored with; it is fetched again', facts)
    return undefined
  }

  async function find(request: Request, onlyWhether: boolean): Promise<FoundBlob | undefined> {
    const { at, digest, pull } = request
    const { repository } = at
    const known = await shown(request)
    if (known === undefined && (await catalog.manifest(repository, digest)) !== undefined) return undefined
    const size = await storedSize(digest)
    if (size !== undefined) {
      if (known?.earned !== true) await tie(request, size)
      if (onlyWhether) pull.hit()
      return { digest, size, open: (part) => open({ ...request, earned: true }, size, part) }
    }
    refuseWhereOff(request)
    if (known?.size !== undefined) {
      if (onlyWhether) pull.hit()
      return { digest, size: known.size, open: (part) => open(request, known.size, part) }
    }
    const first = onlyWhether || (known === undefined && fills.isOfOthers(request))
    const { size: told } = first ? await askWhether(request) : await begun(request, undefined, (fill) => fill)
    if (onlyWhether) pull.hit()
    return { digest, ...(told !== undefined && { size: told }), open: (part) => open(request, told, part) }
  }

  async function open(request: Request, size: number | undefined, part: Part): Promise<BlobReader> {
    return await answered(request, async () => {
      const { at, digest, pull } = request
      const there = await storedSize(digest)
      // Stored since it was looked for, perhaps by somebody else.
      if (there !== undefined && request.earned !== true && (await shown(request))?.earned !== true) {
        await tie(request, there)
      }
      const stored = there === undefined ? undefined : await openStored(digest, there)
      if (stored !== undefined) return pull.stored(stored)
      refuseWhereOff(request)
      const { start = 0, end = Infinity } = part ?? {}
      return await begun(request, size, (fill) => {
        const { head, size: whole = size } = fill
        if (!worthAsking({ start, end, size: whole, head })) return pull.reading(fill.read(start, end))
        const { stalled } = fills.patience
        const options = { from: at.upstream, path: at.name, digest, size: whole, stalled, sleep: cache.sleep }
        return pull.reading(new RangedReader(options, { start, end }))
      })
    })
  }

  /** What is made of a download when its headers are in. */
  async function begun<T>(request: Request, size: number | undefined, use: (fill: Fill) => T): Promise<T> {
    const { at, digest, asker, pull, until } = request
    const { repository } = at
    const fill = fills.join({ at, digest, size, asker })
    pull.from(fill)
    const place = fill.read(0)
    const done = new AbortController()
    try {
      // One that waits for its turn says nothing of the upstream. Its client waits for bytes as well as for a header.
      const headers =
        size === undefined ? fill.source.begun : Promise.race([fill.source.begun, longInLine(fill, until, done.signal)])
      await inTime(headers, () => fill.source.waiting(), request)
      return use(fill)
    } catch (error) {
      // Of another repository that was asked for: ours may have it.
      if (fill.repository !== repository && isOfOne(error)) return await begun(request, size, use)
      throw error
    } finally {
      done.abort()
      await place.close()
    }
  }

  async function longInLine(fill: Fill, until: number, signal: AbortSignal): Promise<void> {
    const waited = await cache.sleep(Math.max(until - cache.monotonic(), 0) * 0.9, signal).then(
      () => true,
      () => false,
    )
    if (!waited || !fill.waitsForTurn) await new Promise<never>(() => undefined)
  }

  /** Ties what another repository has to this one, if the upstream has it there. */
  async function tie(request: Request, size: number): Promise<void> {
    refuseWhereOff(request)
    await askWhether(request)
    const { at, digest } = request
    await locks.run(digest, async () => {
      if ((await catalog.blobAnywhere(digest)) !== size) return
      await catalog.write('commitFill', { repositories: [at.repository], digest, size })
    })
  }

  async function askWhether(request: Request): Promise<{ size?: number }> {
    const { at, digest } = request
    const key = `${at.repository} ${digest}`
    const running = asking.get(key) ?? at.upstream.hasBlob(at.name, digest)
    asking.set(key, running)
    const over = () => asking.delete(key)
    running.value.then(over, over)
    return await inTime(running.value, () => running.waiting(), request)
  }

  /** What an upstream answers. Rejects with why it does not, when it is time that the client is told. */
  async function inTime<T>(answer: Promise<T>, waiting: () => Failure, { asker, until }: Request): Promise<T> {
    const { signal } = asker
    const done = new AbortController()
    const late = cache.sleep(Math.max(until - cache.monotonic(), 0), done.signal).then(
      () => Promise.reject(new UpstreamFailure(waiting())),
      () => new Promise<never>(() => undefined),
    )
    try {
      return await unlessAborted(Promise.race([answer, late]), signal)
    } catch (error) {
      // Who hung up may have done so for what he waited for.
      throw signal.aborted ? new UpstreamFailure(waiting(), error) : error
    } finally {
      done.abort()
    }
  }

  /** Tells what came of it, and makes of an upstream's failure what the client is told. */
  async function answered<T>({ at, pull }: Pick<Request, 'at' | 'pull'>, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      pull.failed(error)
      if (!(error instanceof UpstreamFailure)) throw error
      const since = at.upstream.state().failing?.since
      throw refusalOf(error.failure, { missing: 'blob-unknown', now: now(), since })
    }
  }

  return async (
    at: CachedRepository,
    digest: Digest,
    { asker, promisedTo }: Options,
  ): Promise<FoundBlob | undefined> => {
    const { activity, monotonic: clock } = cache
    const name = `${at.repository}@${digest}`
    const pull = new BlobPull({ asker, upstream: at.upstream.name, name, activity, clock })
    const until = clock() + fills.patience.header
    return await answered({ at, pull }, () => find({ at, digest, asker, pull, until }, promisedTo !== undefined))
  }
}

function refuseWhereOff({ at, digest }: Request): void {
  if (at.cacheOnly !== undefined) throw notCached(`${at.repository}@${digest}`, at.upstream.name, at.cacheOnly)
}

/** What an upstream may say of one repository, and not of another. */
function isOfOne(error: unknown): boolean {
  if (!(error instanceof UpstreamFailure)) return false
  return ['not-found', 'denied', 'credentials-rejected'].includes(error.failure.cause)
}

/** As the manifest's descriptor has it. */
function sizeIn(manifest: Uint8Array, digest: Digest): number | undefined {
  const json = objectFrom(manifest)
  for (const value of [json['config'], json['layers'], json['blobs']].flat()) {
    if (typeof value !== 'object' || value === null) continue
    const { digest: named, size } = value as { digest?: unknown; size?: unknown }
    if (named === digest && typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size
  }
  return undefined
}
