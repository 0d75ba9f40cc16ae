import * as z from 'zod'
import { LOG_LEVELS } from '../base/log.ts'
import { formatAddress, parseAddress } from './address.ts'

/**
 * What a setting means, in one sentence, for the manual and for editors.
 *
 * - `honoured`: it does what it says.
 * - `not yet`: it decides who comes in or where data lies, and is not built: start is refused.
 */
interface Note {
  readonly description: string
  readonly mark: 'honoured' | 'not yet'
}

function setting<Type extends z.ZodType>(description: string, type: Type): Type {
  return type.meta({ description, mark: 'honoured' } satisfies Note)
}

function notYet(description: string) {
  return z
    .never({ error: `is not built yet: ${description}` })
    .optional()
    .meta({ description, mark: 'not yet' } satisfies Note)
}

const onOff = z.boolean({ error: 'must be true or false' })
const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' })
const address = z.codec(
  text.refine((value) => parseAddress(value) !== undefined, {
    error: 'must be HOST:PORT or :PORT, an IPv6 host in brackets',
  }),
  z.custom<NonNullable<ReturnType<typeof parseAddress>>>(),
  { decode: (value) => parseAddress(value) ?? z.NEVER, encode: formatAddress },
)
const platform = z.strictObject({
  os: setting('Operating system, as in an index.', text),
  architecture: setting('Processor, as in an index.', text),
})

/**
 * THE table of settings: names and places are registry:2's, in the order of its documentation.
 *
 * Everything else derives from it: the type, the checks, the nearest right key of an error, the effective
 * configuration that is printed. A section whose default is `{}` may be left out; an `optional` one turns something
 * on by being there.
 */
export const SETTINGS = z.strictObject({
  version: setting(
    'Version of the format.',
    z.codec(z.union([z.literal(0.1), z.literal('0.1')], { error: 'must be 0.1' }), z.literal('0.1'), {
      decode: () => '0.1' as const,
      encode: () => 0.1 as const,
    }),
  ),

  log: z
    .strictObject({
      level: setting(
        'How much is logged.',
        z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info'),
      ),
    })
    .prefault({}),

  storage: z.strictObject({
    filesystem: z.strictObject({
      rootdirectory: setting('Folder of the volume.', text.default('/var/lib/registry')),
      mustexist: setting(
        'Refuses to start on a folder that is no volume: an empty mount point, most likely.',
        onOff.default(false),
      ),
    }),
    inmemory: notYet('storage.filesystem is the one driver so far'),
    s3: notYet('storage.filesystem is the one driver so far'),
    azure: notYet('storage.filesystem is the one driver so far'),
    gcs: notYet('storage.filesystem is the one driver so far'),
    swift: notYet('storage.filesystem is the one driver so far'),
    oss: notYet('storage.filesystem is the one driver so far'),
    delete: z
      .strictObject({
        enabled: setting('Allows clients to delete manifests and blobs.', onOff.default(false)),
      })
      .prefault({}),
  }),

  auth: z
    .strictObject({
      htpasswd: z.strictObject({
        realm: setting(
          'Name that clients show when they ask for a password.',
          text.regex(/^[ -~]*$/, { error: 'must be printable ASCII' }).default('homeport'),
        ),
        path: setting('File of users, one a line, as `htpasswd -B` writes it.', text),
      }),
      token: notYet('auth.htpasswd is the one way to sign in so far'),
      silly: notYet('auth.htpasswd is the one way to sign in so far'),
    })
    .optional(),

  http: z.strictObject({
    addr: setting('Where the server listens.', address),
    tls: z
      .strictObject({
        certificate: setting('PEM file: the certificate, then what leads to its root.', text),
        key: setting('PEM file: the private key of the certificate.', text),
        letsencrypt: notYet('give http.tls.certificate and http.tls.key'),
      })
      .optional(),
  }),

  validation: z
    .strictObject({
      manifests: z
        .strictObject({
          sparse: setting('Accepts images whose config or layers are not here.', onOff.default(false)),
          indexes: z
            .strictObject({
              platforms: setting(
                'Which images of an index must be here before it is accepted.',
                z.enum(['all', 'none', 'list'], { error: 'must be one of all, none, list' }).default('none'),
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
    .prefault({}),
})

/** The configuration in force, defaults included. */
export type Config = z.output<typeof SETTINGS>
