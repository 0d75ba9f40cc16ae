import * as z from 'zod'
import { isAddressRange } from '../base/address-range.ts'
import {
  durationOr,
  listenAddress,
  named,
  oneOf,
  onOff,
  refused,
  setting,
  text,
  texts,
  url,
  warned,
} from './setting.ts'

/** What frames an answer, or a hop: whoever sets one of these breaks every answer. */
const FRAMING: ReadonlySet<string> = new Set([
  ...['connection', 'content-encoding', 'content-length', 'date', 'keep-alive', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
])

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~\w-]+$/, { error: 'must be the name of a header' })
  .refine((name) => !FRAMING.has(name.toLowerCase()), { error: 'is a header that the server sets itself' })

const headerValue = text.regex(/^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/, {
  error: 'must be printable ASCII, without spaces at its ends',
})

const header = z.record(
  headerName,
  named('list of texts', z.array(headerValue, { error: 'must be a list of texts' })),
  {
    error: 'must be lists of values, by the name of the header',
  },
)

const proxies = named(
  'list of addresses and networks',
  z.array(
    text.refine((value) => value === 'unix:' || isAddressRange(value), {
      error: 'must be an IP address, a network like 10.0.0.0/8, or unix:',
    }),
    { error: 'must be a list of addresses and networks' },
  ),
)

const minimumTls = z
  .codec(oneOf(['tls1.0', 'tls1.1', 'tls1.2', 'tls1.3']), oneOf(['tls1.2', 'tls1.3']), {
    decode: (value) => (value === 'tls1.3' ? value : 'tls1.2'),
    encode: (value) => value,
  })
  .prefault('tls1.2')

const clientAuth = oneOf([
  ...['request-client-cert', 'require-any-client-cert'],
  ...['verify-client-cert-if-given', 'require-and-verify-client-cert'],
] as const)

const tls = z.strictObject({
  certificate: setting('PEM file: the certificate, then what leads to its root.', text),
  key: setting('PEM file: the private key of the certificate.', text),
  clientcas: setting(
    'PEM files: only clients with a certificate that one of these signed are let in.',
    texts.default([]),
  ),
  clientauth: setting(
    'What is asked of a client’s certificate, where there are `clientcas`.',
    clientAuth.default('require-and-verify-client-cert'),
  ),
  minimumtls: setting('The oldest version of TLS that is spoken. The two oldest are read as tls1.2.', minimumTls),
  ciphersuites: setting('Cipher suites of TLS 1.2, by the names that Go gives them.', texts.default([])),
  letsencrypt: refused('Gets certificates from Let’s Encrypt.', 'give http.tls.certificate and http.tls.key'),
})

/** `http`: where the server listens, and how it speaks. */
export const http = z
  .strictObject({
    addr: setting('Where the server listens.', listenAddress),
    net: setting(
      'Whether `addr` is in a network, or a socket of the file system.',
      oneOf(['tcp', 'unix']).default('tcp'),
    ),
    prefix: setting(
      'What comes before `/v2/` in every path.',
      text.regex(/^\/(?:[\w.~-]+\/)*$/, { error: 'must begin and end with a slash' }).default('/'),
    ),
    host: setting(
      'Where clients find this server, for what cannot be told as a path. Its own path comes before each that is told.',
      url.optional(),
    ),
    secret: warned('Signs the state of uploads.', 'the server keeps that state itself'),
    relativeurls: setting('Whether a Location is a path. It is one in any case.', onOff.default(false)),
    draintimeout: setting(
      'How long requests have to end when the server is asked to. 0: 8s, as docker kills after ten seconds.',
      durationOr('8s'),
    ),
    headers: setting('What every answer carries beside its own headers.', header.default({})),
    tls: tls.optional(),
    debug: z
      .strictObject({
        addr: setting('Where health and metrics are told.', listenAddress.optional()),
        prometheus: z
          .strictObject({
            enabled: setting('Tells metrics.', onOff.default(false)),
            path: setting('Where.', text.regex(/^\//, { error: 'must begin with a slash' }).default('/metrics')),
          })
          .prefault({}),
      })
      .prefault({}),
    http2: warned('Whether HTTP/2 is spoken.', 'HTTP/1.1 is spoken, which every client does'),
    h2c: refused('HTTP/2 without TLS.', 'HTTP/1.1 is spoken, which every client does'),
    trustedproxies: setting(
      'Addresses and networks of reverse proxies whose `X-Forwarded-*` headers are believed; `unix:` for a socket.',
      proxies.default([]),
    ),
  })
  // An address that was refused already arrives here as it was written.
  .refine(({ addr, net }) => typeof addr !== 'object' || 'path' in addr === (net === 'unix'), {
    path: ['addr'],
    error: 'must be the path of a socket with http.net unix, and HOST:PORT or :PORT without it',
  })
