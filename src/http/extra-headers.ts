/** Headers that the operator wants on every answer, by their names in lower case. */
export type ExtraHeaders = Readonly<Record<string, string[]>>

type Configured = Readonly<Record<string, readonly string[]>>

/**
 * As answers take them, of whatever is configured when one goes out. An answer's own header of the same name wins, as
 * with registry:2: what a client relies on is not replaced from outside.
 */
export function extraHeaders(configured: () => Configured): () => ExtraHeaders {
  let from: Configured = {}
  let made: ExtraHeaders = {}
  return () => {
    const now = configured()
    if (now !== from) made = lowerCase(now)
    from = now
    return made
  }
}

function lowerCase(configured: Configured): ExtraHeaders {
  const headers: Record<string, string[]> = {}
  for (const [name, values] of Object.entries(configured)) {
    const key = name.toLowerCase()
    headers[key] = [...(headers[key] ?? []), ...values]
  }
  return headers
}
