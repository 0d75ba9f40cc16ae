import { createHash, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto'
import type { Digest } from '../../src/oci/digest.ts'
import { digestOf } from './digest-of.ts'
import type { Content } from './images.ts'

/**
 * A manifest of Docker's schema 1, signed as registry:2 wants it to be pushed (libtrust's JSON signatures). What it
 * stores is the text without the signatures; that one's digest is `stored`.
 */
export function signedSchema1(
  name: string,
  tag: string,
  layers: readonly Digest[],
): { pushed: Content; stored: Digest } {
  const manifest = {
    schemaVersion: 1,
    name,
    tag,
    architecture: 'amd64',
    fsLayers: layers.map((blobSum) => ({ blobSum })),
    history: layers.map((_, index) => ({ v1Compatibility: JSON.stringify({ id: String(index).padStart(64, '0') }) })),
  }
  const payload = JSON.stringify(manifest, null, 3)
  // The signatures are put before the closing brace, and a reader takes them out again by these two.
  const [length, tail] = [payload.length - 2, payload.slice(-2)]
  const protectedPart = base64url(
    JSON.stringify({ formatLength: length, formatTail: base64url(tail), time: '2020-01-01T00:00:00Z' }),
  )
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signature = sign('sha256', Buffer.from(`${protectedPart}.${base64url(payload)}`), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  }).toString('base64url')
  const jwk: JsonWebKey = {
    ...publicKey.export({ format: 'jwk' }),
    kid: keyId(publicKey.export({ format: 'der', type: 'spki' })),
  }
  const signatures = [{ header: { jwk, alg: 'ES256' }, signature, protected: protectedPart }]
  const bytes = Buffer.from(`${payload.slice(0, length)},\n   "signatures": ${JSON.stringify(signatures)}${tail}`)
  return {
    pushed: {
      bytes,
      mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
      digest: digestOf(payload),
    },
    stored: digestOf(payload),
  }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/** libtrust: the first 240 bits of the key's hash in base32, with a colon after each four. */
function keyId(der: Buffer): string {
  const bits = [...createHash('sha256').update(der).digest().subarray(0, 30)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
  const letters = (bits.match(/.{5}/g) ?? []).map(
    (five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five, 2)],
  )
  return (letters.join('').match(/.{4}/g) ?? []).join(':')
}
