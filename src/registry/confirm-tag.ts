import type { Digest } from '../oci/digest.ts'
import { type Failure, UpstreamFailure } from '../upstream/upstream.ts'
import type { CachedRepository } from './cached-repository.ts'
import type { Parts } from './parts.ts'
import type { FoundManifest } from './registry.ts'
import type { SharedRun } from './shared-run.ts'
import { storeCachedManifest } from './store-manifest.ts'

/** What an upstream says of a tag that is cached. */
export type Confirmation =
  | { readonly is: 'confirmed' }
  | { readonly is: 'moved'; readonly manifest: FoundManifest }
  /** By the registry's own word. */
  | { readonly is: 'gone'; readonly failure: Failure }

/**
 * Asks whether a tag still points where it did, by a HEAD, which costs nothing at Docker Hub. Only what that cannot
 * confirm is fetched, and judged by what comes.
 */
export function confirmTag(parts: Pick<Parts, 'catalog' | 'blobs' | 'locks' | 'now' | 'report'>) {
  const { catalog, now, report } = parts
  const store = storeCachedManifest(parts)

  /** What an upstream said is worth an answer, also where it cannot be noted. */
  async function note(command: 'confirmTag' | 'markTagGone', tag: { repository: string; tag: string; digest: Digest }) {
    try {
      await catalog.write(command, { ...tag, at: now() })
    } catch (error) {
      report('what an upstream said of a tag could not be noted, and it is asked again', { ...tag, error })
    }
  }

  return async (
    run: SharedRun<Confirmation>,
    { upstream, repository, name }: CachedRepository,
    { tag, digest }: { tag: string; digest: Digest },
  ): Promise<Confirmation> => {
    const said = await run.ask(upstream.confirm(name, tag, digest))
    if (said === 'confirmed') {
      await note('confirmTag', { repository, tag, digest })
      return { is: 'confirmed' }
    }
    // A pull costs. The last ones are for those who wait for one.
    if (!run.awaited && upstream.state().rateLimit?.reserved === true) throw reserved(run, upstream.state().rateLimit)
    try {
      const fetched = await run.ask(upstream.manifest(name, tag))
      return { is: 'moved', manifest: await store(repository, fetched, tag) }
    } catch (error) {
      if (!(error instanceof UpstreamFailure) || error.failure.cause !== 'not-found') throw error
      await note('markTagGone', { repository, tag, digest })
      return { is: 'gone', failure: error.failure }
    }
  }
}

function reserved(run: SharedRun<unknown>, limit: { readonly resetAt?: number } | undefined): UpstreamFailure {
  const facts = limit?.resetAt === undefined ? {} : { retryAt: limit.resetAt }
  return new UpstreamFailure({ ...run.waiting(), cause: 'rate-limited', facts })
}
