import type { RateLimit } from './upstream.ts'

/** What an upstream told of its limit, and when. */
export interface LimitSeen {
  readonly limit: number
  readonly remaining: number
  /** Milliseconds of its window. */
  readonly window?: number
  /** Epoch milliseconds. */
  readonly at: number
}

/** Reads what Docker Hub sends: `ratelimit-remaining: 76;w=21600`. */
export function limitIn(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  at: number,
): LimitSeen | undefined {
  const [limit, window] = parse(headers['ratelimit-limit'])
  const [remaining, other] = parse(headers['ratelimit-remaining'])
  if (limit === undefined || remaining === undefined) return undefined
  const seconds = window ?? other
  return { limit, remaining, at, ...(seconds !== undefined && { window: seconds * 1_000 }) }
}

function parse(header: string | readonly string[] | undefined): [number?, number?] {
  const found = /^(\d{1,9})(?:;w=(\d{1,7}))?$/.exec([header ?? ''].flat()[0]?.trim() ?? '')
  if (found === null) return []
  return found[2] === undefined ? [Number(found[1])] : [Number(found[1]), Number(found[2])]
}

/** Of ten pulls one, and not less than three: they are kept for those who wait. */
const RESERVE = { part: 0.1, least: 3 }

/** How it stands. `undefined`: nothing was told, or the window that it was told of has ended. */
export function rateLimitAt(seen: LimitSeen | undefined, now: number): RateLimit | undefined {
  if (seen === undefined) return undefined
  const { limit, remaining, window, at } = seen
  if (window !== undefined && now >= at + window) return undefined
  const reserve = Math.max(Math.ceil(limit * RESERVE.part), RESERVE.least)
  return { limit, remaining, reserved: remaining <= reserve, ...(window !== undefined && { resetAt: at + window }) }
}
