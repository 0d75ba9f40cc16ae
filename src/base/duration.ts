const MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds: a timer that is set for longer fires at once (Node.js, "setTimeout"). 24.8 days. */
export const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Reads a duration as Go writes it (`1h30m`, `500ms`), with `d` for days too, into milliseconds; a bare number is
 * nanoseconds, as in registry:2's configuration. `undefined`: it is none.
 */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === 'number') return value >= 0 && Number.isFinite(value) ? value * 1e-6 : undefined
  if (value === '0') return 0
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+$/.test(value)) return undefined
  const parts = value.matchAll(/([\d.]+)([a-zµ]+)/g)
  return [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (MS[unit] ?? 0), 0)
}

/** A text that reads back to the same milliseconds, in Go too, which has no days. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const size = MS[unit] ?? 1
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return ms === 0 ? '0s' : `${Math.round(ms * 1e6)}ns`
}
