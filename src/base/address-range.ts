import { BlockList, isIP, isIPv4 } from 'node:net'

interface Range {
  readonly address: string
  readonly bits: number
}

/** A set of IP addresses, told as networks (`10.0.0.0/8`, `fd00::/8`) and single ones. */
export class AddressRanges {
  // One list for both would find 10.0.0.1 in `::/0`.
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() }

  /** Throws on what is neither; `isAddressRange` knows before. */
  constructor(texts: readonly string[]) {
    for (const text of texts) {
      const range = parseRange(text)
      if (range === undefined) throw new TypeError(`'${text}' is neither an IP address nor a network`)
      const family = familyOf(range.address)
      this.#lists[family].addSubnet(range.address, range.bits, family)
    }
  }

  /** Whether it is in one of them; what is no IP address is in none. */
  has(text: string): boolean {
    const address = folded(text)
    const family = familyOf(address)
    return isAddress(address) && this.#lists[family].check(address, family)
  }
}

/** Whether a text is an IP address, without a port or a network. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0
}

/** Whether a text is an IP address or a network, as `AddressRanges` takes it. */
export function isAddressRange(text: string): boolean {
  return parseRange(text) !== undefined
}

/**
 * An address as it is compared and told: an IPv4 address that a socket of both families has as IPv6
 * (`::ffff:10.0.0.1`) is the IPv4 address, and the zone of a link-local one (`fe80::1%eth0`) is left out.
 */
export function folded(text: string): string {
  const [address = ''] = text.split('%')
  if (!/ffff/i.test(address) || isIP(address) !== 6) return address
  // `::ffff:a00:1` is another way to write it; a URL's host has one way only.
  const groups = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(new URL(`http://[${address}]`).hostname)
  if (groups === null) return address
  const [high, low] = [Number.parseInt(groups[1] ?? '', 16), Number.parseInt(groups[2] ?? '', 16)]
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** Bits of an IPv6 address that say it is an IPv4 one. */
const MAPPED_BITS = 96

function parseRange(text: string): Range | undefined {
  const { address = '', bits } = /^(?<address>[\da-fA-F:.]+)(?:\/(?<bits>\d{1,3}))?$/.exec(text)?.groups ?? {}
  const family = isIP(address)
  if (family === 0) return undefined
  const most = family === 4 ? 32 : 128
  const wanted = bits === undefined ? most : Number(bits)
  if (wanted > most) return undefined
  const plain = folded(address)
  if (family === 4 || !isIPv4(plain)) return { address, bits: wanted }
  return wanted < MAPPED_BITS ? undefined : { address: plain, bits: wanted - MAPPED_BITS }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6'
}
