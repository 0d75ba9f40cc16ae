const USUAL = 60_000
const LONGEST = 24 * 3_600_000

/** When an upstream that has had enough may be asked again, in epoch milliseconds: as it says, else in a minute. */
export function retryAtIn(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  now: number,
): number {
  const told = timeIn(headers['retry-after'], now) ?? timeIn(headers['x-ratelimit-reset'], now) ?? now + USUAL
  return Math.min(Math.max(told, now + 1_000), now + LONGEST)
}

/** Seconds, a date (RFC 9110, 10.2.3), or an epoch in seconds, as some write. */
function timeIn(header: string | readonly string[] | undefined, now: number): number | undefined {
  const text = [header ?? ''].flat()[0]?.trim() ?? ''
  if (/^\d{1,12}$/.test(text)) {
    const seconds = Number(text)
    return seconds > 1_000_000_000 ? seconds * 1_000 : now + seconds * 1_000
  }
  const date = /^[A-Z][a-z]{2},? /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? undefined : date
}
