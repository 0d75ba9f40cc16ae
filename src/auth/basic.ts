import { isUtf8 } from 'node:buffer'
import { Secret } from '../base/secret.ts'

export interface Credentials {
  readonly account: string
  readonly password: Secret
}

/**
 * Reads an `Authorization: Basic` header (RFC 7617, UTF-8). `undefined`: there are no credentials in it, because it
 * is absent, malformed, of another scheme, or the empty pair (`Og==`) that podman and skopeo send without a login.
 */
export function parseBasic(authorization: string | undefined): Credentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization ?? '')?.[1]
  const pair = encoded && utf8(Buffer.from(encoded, 'base64'))
  if (!pair || pair === ':') return undefined

  const colon = pair.indexOf(':')
  if (colon < 0) return undefined
  return { account: pair.slice(0, colon), password: new Secret(pair.slice(colon + 1)) }
}

function utf8(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString() : undefined
}
