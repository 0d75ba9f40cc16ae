/**
 * Addresses that one client may have at will: an IPv4 address alone, and the 64 bits of an IPv6 network. Whoever
 * counts by address counts by this.
 */
export function neighbourhood(peer: string): string {
  const [address = ''] = peer.split('%')
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array<string>(missing).fill('0'), ...after]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
