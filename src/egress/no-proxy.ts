import { AddressRanges, folded, isAddress, isAddressRange } from '../base/address-range.ts'

/** What is reached directly, whatever the routes are. */
export interface NoProxy {
  /** The entry that says so, as it was written; `loopback` for what always is. */
  ruleFor(url: URL): string | undefined
  /** Entries that mean nothing: the start warns of them. */
  readonly unread: readonly string[]
}

interface Rule {
  readonly entry: string
  readonly fits: (host: Host) => boolean
}

interface Host {
  /** In lower case, without brackets and last dot; an IPv4 address is one also where it is written as IPv6. */
  readonly name: string
  readonly port: number
}

const LABEL = '[a-z\\d_](?:[a-z\\d_-]*[a-z\\d_])?'
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)

const LOOPBACK: Rule = {
  entry: 'loopback',
  fits: ({ name }) => /(?:^|\.)localhost$/.test(name) || LOOPBACK_ADDRESSES.has(name),
}
const LOOPBACK_ADDRESSES = new AddressRanges(['127.0.0.0/8', '::1'])

/**
 * Reads `noproxy` and `NO_PROXY`, in each text any number of entries between commas or spaces.
 *
 * | entry | means |
 * | --- | --- |
 * | `*` | everything |
 * | `example.com` | that host, and all below |
 * | `.example.com`, `*.example.com` | all below, not itself |
 * | `10.1.2.3`, `::1`, `[::1]` | that address |
 * | `10.0.0.0/8`, `fd00::/8` | the addresses of a network |
 * | any but a network with `:8443` | the same, at that port only |
 *
 * Case and a last dot do not matter. Addresses mean hosts that are written as addresses: no name is resolved for them.
 * These are Go's rules.
 */
export function readNoProxy(texts: readonly string[]): NoProxy {
  const entries = texts.flatMap((text) => text.split(/[\s,]+/)).filter((entry) => entry !== '')
  const read = entries.map((entry) => ({ entry, fits: ruleOf(entry.toLowerCase()) }))
  const rules = [LOOPBACK, ...read.flatMap(({ entry, fits }) => (fits === undefined ? [] : [{ entry, fits }]))]
  return {
    unread: read.filter(({ fits }) => fits === undefined).map(({ entry }) => entry),
    ruleFor(url) {
      const host = hostOf(url)
      return rules.find(({ fits }) => fits(host))?.entry
    },
  }
}

function ruleOf(entry: string): Rule['fits'] | undefined {
  if (entry === '*') return () => true
  if (isAddressRange(entry)) {
    const ranges = new AddressRanges([entry])
    return ({ name }) => ranges.has(name)
  }
  const {
    address,
    host = '',
    port,
  } = /^(?:\[(?<address>[\da-f:.]+)\]|(?<host>[^:[\]/]+))(?::(?<port>\d{1,5}))?$/.exec(entry)?.groups ?? {}
  const fits =
    address === undefined ? nameRule(host.replace(/\.$/, '')) : isAddress(address) ? ruleOf(address) : undefined
  if (fits === undefined || port === undefined) return fits
  const wanted = Number(port)
  return wanted > 65_535 ? undefined : (host) => host.port === wanted && fits(host)
}

function nameRule(written: string): Rule['fits'] | undefined {
  if (isAddress(written)) return ({ name }) => name === written
  const isBelow = /^\*?\./.test(written)
  const name = written.replace(/^\*?\./, '')
  if (!NAME.test(name) || /^[\d.]+$/.test(name)) return undefined
  return (host) => host.name.endsWith(`.${name}`) || (!isBelow && host.name === name)
}

function hostOf({ hostname, port, protocol }: URL): Host {
  const name = folded(
    hostname
      .replace(/^\[|\]$/g, '')
      .toLowerCase()
      .replace(/\.$/, ''),
  )
  return { name, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) }
}
