import { formatQuery } from './query.ts'
import type { Query } from './route.ts'

/**
 * A place here, for `Location` and `Link`: path-absolute always, because only the client knows under which host and
 * scheme it reached us. It keeps the client's way of addressing (`ns`).
 */
export function addressOf(
  path: string,
  query: Query,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const text = formatQuery({ ...parameters, ns: query.get('ns') })
  return text === '' ? path : `${path}?${text}`
}

/** The `Link` to the next page (RFC 8288). */
export function nextLink(address: string): string {
  return `<${address}>; rel="next"`
}
