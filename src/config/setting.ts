import * as z from 'zod'
import { formatDuration, parseDuration } from '../base/duration.ts'
import { parsePattern } from '../base/pattern.ts'
import { Secret } from '../base/secret.ts'
import { formatSize, parseSize } from '../base/size.ts'
import { formatAddress, type ListenAddress, parseAddress, parseListenAddress } from './address.ts'

/**
 * What becomes of a key.
 *
 * - `honoured`: it does what it says.
 * - `refused`: it decides who comes in or where data lies, and is not built: start is refused.
 * - `warned`: it changes nothing here, and that does no harm: one warning.
 */
export type Mark = 'honoured' | 'refused' | 'warned'

/** What the table says of a key, for the manual, for editors, and for those who set it. */
export interface Note {
  /** What it means, in one sentence. */
  readonly description: string
  readonly mark: Mark
  /** Why it is refused, or does nothing here. */
  readonly because?: string
}

export function setting<Type extends z.ZodType>(description: string, type: Type): Type {
  return type.meta({ description, mark: 'honoured' } satisfies Note)
}

/** A key, or a section, that must not be there. */
export function refused(description: string, because: string) {
  return z
    .never({ error: `is not built yet: ${because}` })
    .optional()
    .meta({ description, mark: 'refused', because } satisfies Note)
}

/** A key, or a section, that changes nothing here. What it holds is passed over. */
export function warned(description: string, because: string) {
  return z
    .unknown()
    .optional()
    .meta({ description, mark: 'warned', because } satisfies Note)
}

/** A section of what is built later: it is checked now, and one warning says that it does nothing yet. */
export function later<Type extends z.ZodType>(description: string, because: string, type: Type): Type {
  return type.meta({ description, mark: 'warned', because } satisfies Note)
}

/** What the manual calls the values of a type. Types that are made from it keep it. */
export interface Kind {
  readonly kind: string
}

export function named<Type extends z.ZodType>(kind: string, type: Type): Type {
  return type.meta({ kind } satisfies Kind)
}

export const onOff = named('`true` or `false`', z.boolean({ error: 'must be true or false' }))
export const text = named('text', z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' }))
export const count = named(
  'number',
  z.int({ error: 'must be a whole number' }).min(0, { error: 'must not be negative' }),
)
export const texts = named('list of texts', z.array(text, { error: 'must be a list of texts' }))

export function oneOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  const kind = names.map((name) => `\`${name}\``).join(', ')
  return named(kind, z.enum(names, { error: `must be one of ${names.join(', ')}` }))
}

const DURATION = 'must be a duration, like 10s or 1h30m'
const WRITTEN = z.union([z.string(), z.number()], { error: DURATION })

/** Milliseconds; written as `10s`, or in nanoseconds. */
export const duration = named(
  'duration',
  z.codec(
    WRITTEN.refine((value) => parseDuration(value) !== undefined, { error: DURATION }),
    z.number(),
    { decode: (value) => parseDuration(value) ?? z.NEVER, encode: formatDuration },
  ),
)

/** Milliseconds. Whoever writes 10 means seconds, and would wear out a disk. */
const SHORTEST = 100

/** How often something is done, in milliseconds; 0 is the default, as to registry:2. */
export function interval(usual: string) {
  return durationOr(usual, SHORTEST)
}

/** Milliseconds, `shortest` of them or more; 0 is the default. */
export function durationOr(usual: string, shortest = 0) {
  const isOften = (ms = 0) => ms > 0 && ms < shortest
  return named(
    'duration',
    z
      .codec(
        WRITTEN.refine((value) => parseDuration(value) !== undefined, { error: DURATION }).refine(
          (value) => !isOften(parseDuration(value)),
          { error: 'must be 100ms or longer (a number without a unit is nanoseconds)' },
        ),
        z.number(),
        { decode: (value) => parseDuration(value) || parseDuration(usual) || z.NEVER, encode: formatDuration },
      )
      .prefault(usual),
  )
}

const HEADERS = z.record(z.string(), texts)

/** Headers that are sent: credentials, most likely. */
export const sentHeaders = z.codec(HEADERS, HEADERS, {
  decode: (headers) => headers,
  encode: (headers) => Object.fromEntries(Object.keys(headers).map((name) => [name, ['***']])),
})

const SIZE = 'must be a size, like 200GiB'

/** Bytes. */
export const size = named(
  'size',
  z.codec(
    z
      .union([z.string(), z.number()], { error: SIZE })
      .refine((value) => parseSize(value) !== undefined, { error: SIZE }),
    z.number(),
    { decode: (value) => parseSize(value) ?? z.NEVER, encode: formatSize },
  ),
)

/** Never printed: `config check` writes `***`. */
export const secret = named(
  'text',
  z.codec(text, z.instanceof(Secret), {
    decode: (value) => new Secret(value),
    encode: () => '***',
  }),
)

const ADDRESS = 'must be HOST:PORT or :PORT, an IPv6 host in brackets'

/** Where to listen. */
export const listenAddress = named(
  'address',
  z.codec(
    text.refine((value) => parseListenAddress(value) !== undefined, { error: `${ADDRESS}, or the path of a socket` }),
    z.custom<ListenAddress>(),
    { decode: (value) => parseListenAddress(value) ?? z.NEVER, encode: formatAddress },
  ),
)

/** Whom to connect to, as it is written. */
export const peerAddress = named(
  'address',
  text.refine((value) => parseAddress(value)?.host !== undefined, { error: ADDRESS }),
)

/** `http` or `https`, with a host. */
export const url = named(
  'URL',
  text.refine((value) => /^https?:\/\/[^\s/]/.test(value) && URL.canParse(value), {
    error: 'must be a URL, like https://registry.example',
  }),
)

/** A regular expression of Go that means the same here. */
export const pattern = named(
  'regular expression',
  text.superRefine((value, context) => {
    try {
      parsePattern(value)
    } catch (error) {
      context.addIssue({ code: 'custom', message: `must be a regular expression: it ${(error as Error).message}` })
    }
  }),
)
