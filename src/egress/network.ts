import { AddressRanges, folded, isAddress } from '../base/address-range.ts'

/** What kind of network an address is in; `none`: no host of the Internet, nor of a lab, can be there. */
export type Network = 'public' | 'loopback' | 'link-local' | 'private' | 'none'

/** Registries of special addresses (RFC 6890, and what it names later): all but the Internet. */
const KINDS: readonly (readonly [Network, AddressRanges])[] = [
  ['loopback', new AddressRanges(['127.0.0.0/8', '::1'])],
  // 169.254.169.254 tells secrets of a machine in a cloud to whoever asks from it.
  ['link-local', new AddressRanges(['169.254.0.0/16', 'fe80::/10'])],
  [
    'private',
    new AddressRanges(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7', 'fec0::/10']),
  ],
  [
    'none',
    new AddressRanges([
      ...['0.0.0.0/8', '192.0.0.0/24', '192.0.2.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
      ...['224.0.0.0/4', '240.0.0.0/4', '::', '100::/64', '2001:db8::/32', 'ff00::/8'],
    ]),
  ],
]

/** Prefixes behind which an IPv6 address has an IPv4 one as its last bits (RFC 6052, RFC 4291 2.5.5.1). */
const WITH_IPV4 = new AddressRanges(['64:ff9b::/96', '::/96'])
const SIX_TO_FOUR = new AddressRanges(['2002::/16'])

/** Of an IP address. */
export function networkOf(text: string): Network {
  const address = folded(text)
  const kind = KINDS.find(([, ranges]) => ranges.has(address))?.[0]
  if (kind !== undefined) return kind
  const inner = innerAddress(address)
  return inner === undefined ? 'public' : networkOf(inner)
}

/** Of a host that a proxy resolves: by its address, if it is one, else by what its name says. */
export function networkOfHost(host: string): Network {
  if (isAddress(host)) return networkOf(host)
  const name = host.toLowerCase().replace(/\.$/, '')
  if (/(?:^|\.)localhost$/.test(name)) return 'loopback'
  // RFC 6761, 6762, 8375, ICANN's `internal`, and what people take beside them; a bare name is one of the own network.
  const isInner =
    !name.includes('.') || /\.(?:local|localdomain|internal|intranet|private|lan|home|corp|arpa)$/.test(name)
  return isInner ? 'private' : 'public'
}

function innerAddress(address: string): string | undefined {
  const [at, ranges] = SIX_TO_FOUR.has(address) ? ([1, SIX_TO_FOUR] as const) : ([6, WITH_IPV4] as const)
  if (!ranges.has(address)) return undefined
  const [high = 0, low = 0] = groupsOf(address).slice(at, at + 2)
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const left = before === '' ? [] : before.split(':')
  const right = after === undefined || after === '' ? [] : after.split(':')
  const between = Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...(after === undefined ? [] : between), ...right].map((group) => Number.parseInt(group, 16))
}
