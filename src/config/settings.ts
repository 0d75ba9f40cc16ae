import * as z from 'zod'
import { LOG_LEVELS } from '../base/log.ts'
import { checkSections } from './between-sections.ts'
import { count, oneOf, onOff, pattern, refused, setting, text, warned } from './setting.ts'
import { access, groups } from './settings-access.ts'
import { cache, proxy, upstreams } from './settings-cache.ts'
import { egress } from './settings-egress.ts'
import { health } from './settings-health.ts'
import { http } from './settings-http.ts'
import { laterSections } from './settings-later.ts'
import { storage } from './settings-storage.ts'

const ONE_SIGN_IN = 'auth.htpasswd is the one way to sign in so far'

const log = z
  .strictObject({
    level: setting('How much is logged.', oneOf(LOG_LEVELS).default('info')),
    formatter: setting('How lines are written.', oneOf(['text', 'json', 'logstash']).default('text')),
    fields: setting(
      'What every line carries beside its own fields.',
      z.record(z.string(), z.string({ error: 'must be text' }), { error: 'must be values by name' }).default({}),
    ),
    accesslog: z
      .strictObject({
        disabled: setting('Writes no line for each request.', onOff.default(false)),
      })
      .prefault({}),
    reportcaller: warned('Where in the code a line was written.', 'lines say what happened, not where'),
    hooks: warned('Mails lines to somebody.', 'nothing is mailed'),
  })
  .prefault({})

const auth = z
  .strictObject({
    htpasswd: z
      .strictObject({
        realm: setting(
          'Name that clients show when they ask for a password.',
          text.regex(/^[ -~]*$/, { error: 'must be printable ASCII' }).default('homeport'),
        ),
        path: setting('File of users, one a line, as `htpasswd -B` writes it.', text),
      })
      .optional(),
    none: setting('Nobody has to sign in.', z.looseObject({}).optional()),
    token: refused('Takes tokens of another server.', ONE_SIGN_IN),
    silly: refused('Lets in whoever says anything.', ONE_SIGN_IN),
  })
  .refine(({ htpasswd, none }) => (htpasswd === undefined) !== (none === undefined), {
    error: 'must have one of htpasswd and none',
  })
  .optional()

const platform = z.strictObject({
  os: setting('Operating system, as in an index.', text),
  architecture: setting('Processor, as in an index.', text),
})

const validation = z
  .strictObject({
    enabled: setting('True takes `disabled` back, as in registry:2. Nothing else comes of it.', onOff.optional()),
    disabled: setting(
      'Takes manifests whose addresses, and whose images of an index, nobody looked at.',
      onOff.default(false),
    ),
    manifests: z
      .strictObject({
        urls: z
          .strictObject({
            allow: setting(
              'Regular expressions: addresses of layers elsewhere that are taken. None: all.',
              z.array(pattern).default([]),
            ),
            deny: setting('Regular expressions: addresses that are not taken.', z.array(pattern).default([])),
          })
          .prefault({}),
        sparse: setting('Takes images whose config or layers are not here.', onOff.default(false)),
        indexes: z
          .strictObject({
            platforms: setting(
              'Which images of an index must be here before it is taken.',
              oneOf(['all', 'none', 'list']).default('none'),
            ),
            platformlist: setting(
              'The platforms that `list` means.',
              z.array(platform, { error: 'must be a list of os and architecture' }).default([]),
            ),
          })
          .prefault({}),
      })
      .prefault({}),
  })
  .prefault({})

const sections = z.strictObject({
  version: setting(
    'Version of the format.',
    z.codec(z.union([z.literal(0.1), z.literal('0.1')], { error: 'must be 0.1' }), z.literal('0.1'), {
      decode: () => '0.1' as const,
      encode: () => 0.1 as const,
    }),
  ),
  log,
  loglevel: setting('The older place of `log.level`.', oneOf(LOG_LEVELS).optional()),
  storage,
  auth,
  middleware: refused('Puts code between parts of registry:2.', 'there is nothing to put there'),
  http,
  notifications: warned('Tells other servers of pushes and pulls.', 'nobody is told yet'),
  redis: warned('A cache of descriptors.', 'the catalog answers without a cache'),
  health,
  catalog: z
    .strictObject({ maxentries: setting('How many repositories one page has at most.', count.default(1000)) })
    .prefault({}),
  tags: z.strictObject({ maxtags: setting('How many tags one page has at most.', count.default(1000)) }).prefault({}),
  validation,
  policy: warned('Which kinds of repositories may be pushed to.', 'every kind may'),
  reporting: warned('Tells services of faults.', 'nobody is told'),
  compatibility: warned('Images of schema 1.', 'they are not taken'),
  proxy: setting('The one registry that is cached, as in registry:2.', proxy),
  upstreams: setting('Registries that are cached, by name.', upstreams),
  egress: setting('The ways out.', egress),
  cache: setting('How much is cached.', cache),
  groups: setting('Users by the name of a group, for `access`.', groups),
  access: setting(
    'Who may do what. Rules only grant, and add up; what none grants is refused. Without: every user may do everything.',
    access,
  ),
  ...laterSections,
})

/**
 * THE table of settings: names and places are registry:2's, in the order of its documentation; then our own.
 *
 * Everything else derives from it: the type, the checks, the nearest right key of an error, variables, the manual, the
 * schema for editors, the effective configuration that is printed. A section whose default is `{}` may be left out; an
 * `optional` one turns something on by being there.
 */
export const SETTINGS = sections.superRefine(checkSections)

/** The configuration in force, defaults included. */
export type Config = z.output<typeof sections>
