import type { Catalog, FailureRecord, Trace } from '../catalog/catalog.ts'
import type { AttemptMade, Failure } from '../upstream/upstream.ts'
import { type AskedAbout, askedAbout } from './asked-about.ts'
import { failureIn, isOfOneImage } from './signs.ts'

/** A request, as it is told. */
export interface WhyRequest extends Omit<Trace, 'facts' | 'attempts'> {
  readonly failure: Failure | undefined
  readonly attempts: readonly AttemptMade[]
}

/** Something that is wrong with an upstream, now. */
export interface WhyStanding extends Omit<FailureRecord, 'facts'> {
  readonly failure: Failure
}

export interface Why {
  /** The newest first. */
  readonly requests: readonly WhyRequest[]
  /** Of their upstreams; where there are no requests, of the one that was named, or of all. */
  readonly standing: readonly WhyStanding[]
}

/** Requests that are told of, at most. */
const MOST = 10
/** Traces of a repository that are looked through for those of a tag. */
const LOOKED_THROUGH = 200

/** What is known of a request, or of an image. Nothing may be. */
export async function why(catalog: Pick<Catalog, 'failures' | 'traces'>, text: string): Promise<Why> {
  const about = askedAbout(text)
  const traces = await tracesOf(catalog, about)
  const upstreams = upstreamsOf(traces, about)
  const standing = (await catalog.failures())
    .filter(({ upstream }) => upstreams === undefined || upstreams.has(upstream))
    .map(({ facts, ...record }) => ({ ...record, failure: failureIn(facts) }))
    .filter(({ endedAt, failure }) => endedAt === undefined && !isOfOneImage(failure.cause))
  return { requests: traces.map(requestFrom), standing }
}

async function tracesOf(catalog: Pick<Catalog, 'traces'>, { candidates }: AskedAbout): Promise<Trace[]> {
  for (const { tag, ...of } of candidates) {
    const found = tag === undefined ? await catalog.traces(of, MOST) : await tracesOfTag(catalog, { ...of, tag })
    if (found.length > 0) return found
  }
  return []
}

/** Blobs are asked for by their digests: they may be of that tag, where there is a trace of it at all or not. */
async function tracesOfTag(
  catalog: Pick<Catalog, 'traces'>,
  { tag, ...of }: { tag: string; repository?: string | undefined },
): Promise<Trace[]> {
  const all = await catalog.traces({ repository: of.repository }, LOOKED_THROUGH)
  return all.filter(({ reference, kind }) => reference === tag || kind === 'blob').slice(0, MOST)
}

/** `undefined`: all of them. */
function upstreamsOf(traces: readonly Trace[], { upstream }: AskedAbout): ReadonlySet<string> | undefined {
  if (traces.length > 0) return new Set(traces.map((trace) => trace.upstream))
  return upstream === undefined ? undefined : new Set([upstream])
}

function requestFrom({ facts, attempts, ...trace }: Trace): WhyRequest {
  const failure = (JSON.parse(facts) ?? undefined) as Failure | undefined
  return { ...trace, failure, attempts: JSON.parse(attempts) as AttemptMade[] }
}
