import { type Failure, UpstreamFailure } from '../upstream/upstream.ts'
import type { Asker, PullEnd } from './activity.ts'
import type { Cache } from './cache.ts'
import type { CachedRepository } from './cached-repository.ts'
import type { Parts } from './parts.ts'
import type { SharedRun } from './shared-run.ts'
import { type Missing, refusalOf } from './upstream-refusal.ts'

/** What somebody wants of a cached repository. */
export interface Wanted {
  readonly asker: Asker
  readonly at: CachedRepository
  readonly kind: PullEnd['kind']
  /** Canonical, with its tag or digest. */
  readonly name: string
  /** What it is called where the upstream has it not. */
  readonly missing: Missing
}

/** What came of it. */
export interface Got<Value> {
  readonly value: Value
  readonly outcome: 'hit' | 'fetched' | 'stale'
  readonly failure?: Failure
  /** From the upstream, for this asker. */
  readonly bytes?: number
}

/** Filled while an answer is looked for. */
export interface Notes {
  /** What is asked of the upstream for it. */
  run?: SharedRun<unknown>
  /** What an answer that is no failure's own comes of. */
  failure?: Failure
  /** Ends the sentence of a failure. */
  beside?: string
}

/**
 * Looks for an answer, tells of it once, whatever comes of it, and makes of an upstream's failure what the client is told.
 *
 * Somebody who hung up is told of with what he waited for: it may be why he did.
 */
export async function told<Value>(
  { cache, now }: Pick<Parts, 'cache' | 'now'>,
  wanted: Wanted,
  look: (notes: Notes) => Promise<Got<Value>>,
): Promise<Value> {
  const { asker, at, kind, name } = wanted
  const begun = cache.monotonic()
  const notes: Notes = {}
  const tell = (end: Pick<PullEnd, 'outcome' | 'failure' | 'bytes'>, answered: boolean) => {
    const total = cache.monotonic() - begun
    cache.activity.pulled({
      ...{ asker, kind, name, upstream: at.upstream.name, resumes: 0 },
      ...end,
      attempts: [...(notes.run?.attempts ?? [])],
      ms: { total, ...(answered && { header: total }) },
    })
  }
  try {
    const { value, outcome, failure, bytes = 0 } = await look(notes)
    tell({ outcome, bytes, ...(failure && { failure }) }, true)
    return value
  } catch (error) {
    const failure = failureIn(error) ?? notes.failure ?? (asker.signal.aborted ? notes.run?.waiting() : undefined)
    tell({ outcome: 'failed', bytes: 0, ...(failure && { failure }) }, false)
    if (!(error instanceof UpstreamFailure)) throw error
    const { missing } = wanted
    const since = at.upstream.state().failing?.since
    throw refusalOf(error.failure, { missing, now: now(), since, ...(notes.beside && { beside: notes.beside }) })
  }
}

/** For what fails while nobody waits for it. */
export function toldBehind({ activity }: Cache, { name, kind }: Pick<Wanted, 'name' | 'kind'>) {
  return (error: unknown): void => {
    const failure = failureIn(error)
    if (failure !== undefined) activity.failedBehind(failure, { name, kind })
  }
}

function failureIn(error: unknown): Failure | undefined {
  return error instanceof UpstreamFailure ? error.failure : undefined
}
