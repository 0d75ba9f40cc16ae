/**
 * Path and query of the next page (RFC 8288); `undefined`: there is none, or it leads to somebody else, for a `Link`
 * never says whom to ask.
 */
export function nextLink(reply: {
  readonly url: URL
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}): string | undefined {
  for (const header of [reply.headers['link'] ?? []].flat()) {
    for (const [, target = '', params = ''] of header.matchAll(/<([^<>]*)>((?:\s*;[^,<]*)*)/g)) {
      if (!/;\s*rel\s*=\s*"?next"?\s*(?:;|$)/i.test(params) || !URL.canParse(target, reply.url.href)) continue
      const to = new URL(target, reply.url)
      return to.origin === reply.url.origin ? to.pathname + to.search : undefined
    }
  }
  return undefined
}
