import * as z from 'zod'
import {
  count,
  duration,
  later,
  listenAddress,
  onOff,
  refused,
  secret,
  setting,
  size,
  text,
  texts,
  url,
  warned,
} from './setting.ts'

const NOT_CACHED = 'nothing is cached yet, and what was not pushed here is not found'

/** A word that is no route is refused: it must never mean that one goes out directly. */
const wayOut = text.refine((value) => value === 'direct' || /^(?:https?|socks5h?):\/\/[^\s/]/.test(value), {
  error: 'must be direct, or a proxy: http://, https://, socks5:// or socks5h:// with its HOST:PORT',
})

const proxyRoute = z.strictObject({
  url: setting('The proxy.', wayOut),
  ca: setting('PEM file: whom to trust for it.', text.optional()),
})

const route = z.union([wayOut, proxyRoute], {
  error: 'must be direct, the URL of a proxy, or its url and ca',
})

const proxy = z.strictObject({
  remoteurl: setting('The registry whose images are cached.', url),
  username: setting('Who asks there.', text.optional()),
  password: setting('His password.', secret.optional()),
  ttl: setting('How long what nobody pulls stays. 0: for ever.', duration.optional()),
  exec: refused('Gets the password from a program.', 'give proxy.username and proxy.password'),
  cachewritetimeout: warned('How long the cache may take to store a blob.', 'a blob is stored while it is read'),
})

const upstream = z
  .strictObject({
    default: setting('Names without a registry are asked there.', onOff.default(false)),
    url: setting('Where its API is, if not at its name.', url.optional()),
    username: setting('Who asks there.', text.optional()),
    password: setting('His password.', secret.optional()),
    passwordfile: setting('The file that holds it.', text.optional()),
    realms: setting('Hosts that give out tokens for it.', texts.default([])),
    routes: setting('Ways to it, in this order.', z.array(route).optional()),
    revalidate: setting('How long a tag counts as confirmed.', duration.optional()),
    maxstale: setting('How long an unconfirmed tag is served. Without: for ever.', duration.optional()),
    cacheonly: setting('Asks nothing there.', onOff.default(false)),
    listen: setting('A listener for it alone.', listenAddress.optional()),
    ca: setting('PEM file: whom to trust for it.', text.optional()),
  })
  .nullable()

const upstreams = z
  .record(
    z.string().regex(/^[a-z\d](?:[a-z\d.-]*[a-z\d])?(?::\d{1,5})?$/i, {
      error: 'must be the name of a registry, like docker.io',
    }),
    upstream,
  )
  .refine((all) => Object.values(all).filter((one) => one?.default === true).length <= 1, {
    error: 'must have one default, if any',
  })

const egress = z.strictObject({
  routes: setting('Ways out, in this order.', z.array(route).optional()),
  noproxy: setting('Names and networks that are reached directly.', texts.default([])),
  ca: setting('PEM file: whom to trust.', text.optional()),
  offline: setting('Asks nobody.', onOff.default(false)),
})

const cache = z.strictObject({
  maxsize: setting('How much may be cached.', size.optional()),
  reserve: setting('How much of the disk stays free.', size.optional()),
})

const retention = z.array(
  z.strictObject({
    repositories: setting('Which repositories, by pattern.', texts),
    keep: setting(
      'What stays.',
      z.strictObject({
        last: setting('So many tags, the newest.', count.optional()),
        pulledwithin: setting('What somebody pulled in that time.', duration.optional()),
      }),
    ),
  }),
  { error: 'must be a list of rules' },
)

const lab = z.strictObject({
  name: setting('What the lab is called.', text.optional()),
  nodes: setting('Its machines.', z.array(z.unknown()).default([])),
})

/** Sections of what is built later. */
export const laterSections = {
  proxy: later('The one registry that is cached, as in registry:2.', NOT_CACHED, proxy.optional()),
  upstreams: later('Registries that are cached, by name.', NOT_CACHED, upstreams.optional()),
  egress: later('The ways out.', NOT_CACHED, egress.optional()),
  cache: later('How much is cached.', NOT_CACHED, cache.optional()),
  retention: later('What is let go, and when.', 'nothing is let go yet', retention.optional()),
  ui: later(
    'The web interface.',
    'there is none yet',
    z.strictObject({ enabled: setting('Serves it.', onOff) }).optional(),
  ),
  lab: later('The lab around the registry.', 'nothing is made of it yet', lab.optional()),
  groups: refused('Groups of users.', 'every user may do everything so far'),
  access: refused('Who may do what.', 'every user may do everything so far'),
}
