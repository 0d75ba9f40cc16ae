import type { StoredManifest, TaggedManifest } from '../catalog/catalog.ts'
import { Refusal } from '../oci/refusal.ts'
import { type Failure, sentenceOf, UpstreamFailure } from '../upstream/upstream.ts'
import type { CachedRepository } from './cached-repository.ts'
import { type Confirmation, confirmTag } from './confirm-tag.ts'
import { type Freshness, freshnessOf } from './freshness.ts'
import { NotFound } from './not-found.ts'
import type { Parts } from './parts.ts'
import { type Got, type Notes, told, toldBehind, type Wanted } from './pull-told.ts'
import type { FoundManifest } from './registry.ts'
import { IN_TIME, type SharedRun, SharedRuns } from './shared-run.ts'
import { storeCachedManifest } from './store-manifest.ts'
import { notCached } from './upstream-refusal.ts'

/** A manifest of a cached repository, as far as the catalog has it. */
export interface CachedPull extends Wanted {
  /** A tag or a digest. */
  readonly reference: string
  /** What is stored under that digest, or what the tag points at. */
  readonly stored: StoredManifest | TaggedManifest | undefined
}

/**
 * Tags and digests of cached repositories. A digest never ages. A tag is confirmed by its upstream, at most once within
 * `revalidate` whoever asks; what we have is served rather than nothing, and never later than within 2 s.
 */
export function pullCachedManifest(parts: Pick<Parts, 'catalog' | 'blobs' | 'locks' | 'now' | 'report' | 'cache'>) {
  const { cache, now } = parts
  const confirm = confirmTag(parts)
  const store = storeCachedManifest(parts)
  const confirmations = new SharedRuns<Confirmation>(cache.monotonic)
  const fetches = new SharedRuns<FoundManifest>(cache.monotonic)
  const notFound = new NotFound(cache.monotonic)

  /** Nothing is here, or nothing that may be served. */
  async function fetch({ at, asker, name, kind, reference }: CachedPull, notes: Notes): Promise<Got<FoundManifest>> {
    if (at.cacheOnly !== undefined) throw notCached(name, at.upstream.name, at.cacheOnly)
    throwIfFailed(notFound.about(name))
    const tag = reference.includes(':') ? undefined : reference
    const work = async (run: SharedRun<FoundManifest>) => {
      try {
        return await store(at.repository, await run.ask(at.upstream.manifest(at.name, reference)), tag)
      } catch (error) {
        rememberNotFound(name, error)
        throw error
      }
    }
    const { run, first } = fetches.join(name, work, toldBehind(cache, { name, kind }))
    notes.run = run
    const waited = await run.within(IN_TIME.nothingCached, { signal: asker.signal, sleep: cache.sleep })
    if ('late' in waited) throw new UpstreamFailure(waited.late)
    return { value: waited.value, outcome: 'fetched', bytes: first ? waited.value.bytes.length : 0 }
  }

  /** A tag that is here, and not fresh. */
  async function confirmed(
    { at, asker, name, kind, reference: tag }: CachedPull,
    stored: TaggedManifest,
    { notes, freshness }: { notes: Notes; freshness: Freshness },
  ): Promise<Got<FoundManifest>> {
    const { digest, goneAt } = stored
    const { signal } = asker
    const said = goneAt === undefined ? undefined : notFound.about(name)
    throwIfFailed(said)
    const work = async (run: SharedRun<Confirmation>) => {
      const confirmation = await confirm(run, at, { tag, digest })
      if (confirmation.is === 'gone') notFound.remember(name, confirmation.failure)
      return confirmation
    }
    const { failing } = at.upstream.state()
    const { run, first } = confirmations.join(`${name}@${digest}`, work, toldBehind(cache, { name, kind }))
    notes.run = run
    const mayServe = goneAt === undefined && freshness === 'stale'
    const insteadOf = (failure: Failure): Got<FoundManifest> => {
      notes.failure = failure
      if (mayServe) return stale(name, stored, failure)
      if (goneAt !== undefined) throw gone(name, goneAt, failure)
      notes.beside = `what is cached of it was confirmed last at ${when(stored)}, which is longer ago than maxstale`
      throw new UpstreamFailure(failure)
    }
    // The check goes on behind, and tells when it works again.
    if (failing !== undefined && (mayServe || goneAt !== undefined)) return insteadOf(failing.failure)

    const spent = cache.monotonic() - run.begunAt
    // What hung for somebody before hangs for this one too.
    const ms = freshness === 'expired' ? IN_TIME.nothingCached : IN_TIME.cached - spent
    const came = await run.within(ms, { signal, sleep: cache.sleep }).catch(failed)
    if ('value' in came) return answerOf(came.value, { stored, first })
    return insteadOf(came.late)
  }

  function answerOf(
    confirmation: Confirmation,
    { stored, first }: { stored: TaggedManifest; first: boolean },
  ): Got<FoundManifest> {
    if (confirmation.is === 'gone') throw new UpstreamFailure(confirmation.failure)
    if (confirmation.is === 'confirmed') return { value: stored, outcome: 'hit' }
    const { manifest } = confirmation
    return { value: manifest, outcome: 'fetched', bytes: first ? manifest.bytes.length : 0 }
  }

  /** A tag that is here. */
  async function byTag(pull: CachedPull, stored: TaggedManifest, notes: Notes): Promise<Got<FoundManifest>> {
    const { at, name } = pull
    const { goneAt } = stored
    const freshness = freshnessOf(stored, { now: now(), ...at })
    if (at.cacheOnly !== undefined) {
      if (goneAt !== undefined) throw gone(name, goneAt)
      if (freshness === 'expired') throw notCached(`${name} is older than maxstale`, at.upstream.name, at.cacheOnly)
      return { value: stored, outcome: 'hit' }
    }
    if (freshness === 'fresh' && goneAt === undefined) return { value: stored, outcome: 'hit' }
    return await confirmed(pull, stored, { notes, freshness })
  }

  function rememberNotFound(name: string, error: unknown): void {
    if (error instanceof UpstreamFailure && error.failure.cause === 'not-found') notFound.remember(name, error.failure)
  }

  return async (pull: CachedPull): Promise<FoundManifest> => {
    const { stored } = pull
    return await told(parts, pull, async (notes) => {
      if (stored === undefined) return await fetch(pull, notes)
      return 'kind' in stored ? await byTag(pull, stored, notes) : { value: stored, outcome: 'hit' }
    })
  }
}

/** `docker.io/library/alpine:3`. */
export function pullName({ repository }: Pick<CachedRepository, 'repository'>, reference: string): string {
  return `${repository}${reference.includes(':') ? '@' : ':'}${reference}`
}

function stale(name: string, stored: TaggedManifest, failure: Failure): Got<FoundManifest> {
  const warning = `${name} is served as it was at ${when(stored)}, and could not be confirmed: ${sentenceOf(failure)}`
  return { value: { ...stored, warning }, outcome: 'stale', failure }
}

function gone(name: string, goneAt: number, failure?: Failure): Refusal {
  const asked = failure === undefined ? '' : `; now it could not be asked: ${sentenceOf(failure)}`
  const because = `${name}: its registry said at ${new Date(goneAt).toISOString()} that there is none${asked}`
  return new Refusal('manifest-unknown', { because })
}

function when({ movedAt, confirmedAt }: TaggedManifest): string {
  return new Date(confirmedAt ?? movedAt).toISOString()
}

function failed(error: unknown): { readonly late: Failure } {
  if (error instanceof UpstreamFailure) return { late: error.failure }
  throw error
}

function throwIfFailed(failure: Failure | undefined): void {
  if (failure !== undefined) throw new UpstreamFailure(failure)
}
