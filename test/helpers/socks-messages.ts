/** What a client of SOCKS5 says, from the front of bytes (RFC 1928, RFC 1929); `undefined` while more has to come. */
type Taken<T> = { readonly value: T; readonly rest: Buffer } | undefined

/** The ways to sign in that it offers: 0 for none, 2 for a password. */
export function takeGreeting(bytes: Buffer): Taken<readonly number[]> {
  const count = bytes[1]
  if (count === undefined || bytes.length < 2 + count) return undefined
  return { value: [...bytes.subarray(2, 2 + count)], rest: bytes.subarray(2 + count) }
}

export function takeSignIn(bytes: Buffer): Taken<{ readonly user: string; readonly password: string }> {
  const userLength = bytes[1]
  if (userLength === undefined) return undefined
  const passwordLength = bytes[2 + userLength]
  if (passwordLength === undefined) return undefined
  const start = 3 + userLength
  if (bytes.length < start + passwordLength) return undefined
  const user = bytes.toString('utf8', 2, 2 + userLength)
  const password = bytes.toString('utf8', start, start + passwordLength)
  return { value: { user, password }, rest: bytes.subarray(start + passwordLength) }
}

/** Whom to connect to. `named`: by a name, which the proxy resolves. */
export function takeWish(
  bytes: Buffer,
): Taken<{ readonly host: string; readonly port: number; readonly named: boolean }> {
  if (bytes.length < 5) return undefined
  const kind = bytes[3]
  const named = kind === 3
  const length = named ? (bytes[4] ?? 0) : kind === 4 ? 16 : 4
  const start = named ? 5 : 4
  const end = start + length
  if (bytes.length < end + 2) return undefined
  const address = bytes.subarray(start, end)
  const host = named ? address.toString('latin1') : kind === 4 ? ipv6(address) : [...address].join('.')
  return { value: { host, port: bytes.readUInt16BE(end), named }, rest: bytes.subarray(end + 2) }
}

function ipv6(address: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => address.readUInt16BE(index * 2).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
