import * as z from 'zod'
import { named, onOff, setting, text } from './setting.ts'

/** A word that is no route is refused: it must never mean that one goes out directly. */
const wayOut = text.refine((value) => value === 'direct' || isProxy(value), {
  error: 'must be direct, or a proxy: http://, https://, socks5:// or socks5h:// with its HOST:PORT',
})

function isProxy(value: string): boolean {
  return /^(?:https?|socks5h?):\/\/[^\s/]/.test(value) && URL.canParse(value)
}

const proxyRoute = z.strictObject({
  url: setting('The proxy.', wayOut),
  ca: setting('PEM file: whom to trust for it, beside what the system trusts.', text.optional()),
})

const route = z.union([wayOut, proxyRoute], {
  error: 'must be direct, the URL of a proxy, or its url and ca',
})

/** Ways out, the first first. None at all is no list: what it should mean nobody knows. */
export const routes = z
  .array(route, { error: 'must be a list of routes' })
  .min(1, { error: 'must name a way out: direct, or a proxy' })

const exception = text.regex(/^[^\s,]+$/, { error: 'must be one name, address or network, without spaces and commas' })

/** `egress`: the ways out, for every upstream that has none of its own. */
export const egress = z
  .strictObject({
    routes: setting(
      'Ways out, in this order: `direct`, or a proxy (`http://`, `https://`, `socks5://`, `socks5h://`) with `USER:PASSWORD@` if it wants them. Without: what `HTTPS_PROXY` and its kin say.',
      routes.optional(),
    ),
    noproxy: setting(
      'What is reached directly, whatever the routes are: names (`.lan` for all below), addresses, networks, each with a port if need be.',
      named('list of texts', z.array(exception, { error: 'must be a list of texts' })).default([]),
    ),
    ca: setting('PEM file: whom to trust for every upstream, beside what the system trusts.', text.optional()),
    offline: setting('Asks nobody: what is cached is served, and nothing else.', onOff.default(false)),
  })
  .optional()
