import * as z from 'zod'
import { registryName } from '../base/registry-name.ts'
import {
  duration,
  later,
  listenAddress,
  named,
  onOff,
  refused,
  secret,
  setting,
  size,
  text,
  url,
  warned,
} from './setting.ts'
import { routes } from './settings-egress.ts'

/** Of what says how long, and how much. */
const NOTHING_LEAVES = 'nothing leaves the cache yet'

const HOST = /^(?:[a-z\d](?:[a-z\d.-]*[a-z\d])?|\[[\da-f:.]+\])$/i
const HOST_AND_PORT = /^(?:[a-z\d](?:[a-z\d.-]*[a-z\d])?|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/** Where an API is. Credentials in it would be told wherever it is: they have keys of their own. */
const api = url
  .refine((value) => !/^https?:\/\/[^/?#]*@/i.test(value), {
    error: 'must be without user and password, which have keys of their own (username, password)',
  })
  .refine((value) => !/[?#]/.test(value), { error: 'must end with its path, without ? and #' })

const hosts = named(
  'list of host names',
  z.array(text.regex(HOST, { error: 'must be the name of a host, without a port' }), {
    error: 'must be a list of host names',
  }),
)

const realms = named(
  'list of hosts',
  z.array(text.regex(HOST_AND_PORT, { error: 'must be a host, like auth.docker.io' }), {
    error: 'must be a list of hosts',
  }),
)

interface Credentials {
  readonly username?: string | undefined
  readonly password?: unknown
  readonly passwordfile?: string | undefined
}

/** What is missing beside the other; the key that is there may hold a secret, and is not quoted. */
function checkCredentials({ username, password, passwordfile }: Credentials, context: z.RefinementCtx): void {
  const problem = (path: (keyof Credentials)[], message: string) => context.addIssue({ code: 'custom', path, message })
  const known = password !== undefined || passwordfile !== undefined
  if (username === undefined && known) problem(['username'], 'is missing')
  if (username !== undefined && !known) problem(['password'], 'is missing')
  if (password !== undefined && passwordfile !== undefined) problem([], 'must have one of password and passwordfile')
}

/** `proxy`: as in registry:2; pushes go on beside it. */
export const proxy = z
  .strictObject({
    remoteurl: setting('The registry whose images are cached: the default upstream.', api),
    username: setting('Who asks there.', text.optional()),
    password: setting('His password.', secret.optional()),
    ttl: later('How long what nobody pulls stays. 0: for ever.', NOTHING_LEAVES, duration.optional()),
    exec: refused('Gets the password from a program.', 'give proxy.username and proxy.password'),
    cachewritetimeout: warned('How long the cache may take to store a blob.', 'a blob is stored while it is read'),
  })
  .superRefine(checkCredentials)
  .optional()

const upstream = z
  .strictObject({
    default: setting('Whether names without a registry are asked there.', onOff.default(false)),
    url: setting(
      'Where its API is, if not at `https://` and its name. Plain http only if written here.',
      api.optional(),
    ),
    username: setting('Who asks there.', text.optional()),
    password: setting('His password.', secret.optional()),
    passwordfile: setting('The file that holds it, in its first line.', text.optional()),
    realms: setting('Hosts that give out tokens for it, beside its own and those that are known.', realms.default([])),
    routes: setting('Ways to it, in this order, instead of `egress.routes`.', routes.optional()),
    revalidate: setting('How long a tag counts as confirmed.', duration.prefault('60s')),
    maxstale: setting('How long a tag that cannot be confirmed is served. Without: for ever.', duration.optional()),
    cacheonly: setting('Asks nothing there: what is cached is served, and nothing else.', onOff.default(false)),
    listen: setting(
      'A listener for it alone, where it is only read: for `registry-mirrors`.',
      listenAddress.optional(),
    ),
    hosts: setting('Names of this server by which it alone is meant.', hosts.default([])),
    ca: setting('PEM file: whom to trust for it, beside what the system trusts.', text.optional()),
  })
  .superRefine(checkCredentials)
  .nullable()

/** A registry's name, as images are called after it. Two names of one would be two caches. */
const registry = z
  .string()
  .regex(/^[a-z\d](?:[a-z\d.-]*[a-z\d])?(?::\d{1,5})?$/i, { error: 'must be the name of a registry, like docker.io' })
  .superRefine((name, context) => {
    const one = registryName(name)
    if (one !== name)
      context.addIssue({ code: 'custom', message: `must be written ${one}, which is the same registry` })
  })

/** `upstreams`: many registries, by name. */
export const upstreams = z
  .record(registry, upstream, { error: 'must be settings of registries, by their names' })
  .refine((all) => Object.values(all).filter((one) => one?.default === true).length <= 1, {
    error: 'must have one default, if any',
  })
  .optional()

/** `cache`: how much is kept of upstreams. */
export const cache = z
  .strictObject({
    maxsize: later('How much may be cached.', NOTHING_LEAVES, size.optional()),
    reserve: later('How much of the disk stays free.', NOTHING_LEAVES, size.optional()),
  })
  .optional()
