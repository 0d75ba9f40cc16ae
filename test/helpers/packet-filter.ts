import type { Namespace } from './namespace.ts'
import { program } from './programs.ts'

/** What a test with a packet filter `needs`, beside the namespace. */
export const FILTER_PROGRAMS = ['nft', 'ip'] as const

/** Where names would be asked for: nobody is there. */
const NAME_SERVER = '192.0.2.53'

/**
 * Drops and counts every packet in a namespace but those from and to these ports of its own address. Routes lead
 * everywhere, so that what would go out is a packet, and no error before it is one.
 */
export async function filterPackets(namespace: Namespace, ports: readonly number[]): Promise<PacketFilter> {
  const address = '198.51.100.7'
  for (const args of [
    ['route', 'add', 'default', 'dev', 'lo', 'src', address],
    ['-6', 'address', 'add', '2001:db8::7/128', 'dev', 'lo', 'nodad'],
    ['-6', 'route', 'add', 'default', 'dev', 'lo'],
  ])
    await namespace.run(program('ip'), args)
  await namespace.write('/etc/resolv.conf', `nameserver ${NAME_SERVER}\noptions timeout:1 attempts:1\n`)
  const rules = `table inet way {
    counter stray { }
    chain output {
      type filter hook output priority 0; policy drop;
      ip daddr ${address} tcp dport { ${ports.join(', ')} } accept
      ip saddr ${address} tcp sport { ${ports.join(', ')} } accept
      counter name stray drop
    }
  }\n`
  await namespace.run(program('nft'), ['-f', '-'], { input: rules })
  return {
    async stray() {
      const { stdout } = await namespace.run(program('nft'), ['list', 'counter', 'inet', 'way', 'stray'])
      const [, packets] = /packets (\d+)/.exec(stdout) ?? []
      if (packets === undefined) throw new Error(`No counter: ${stdout}`)
      return Number(packets)
    },
  }
}

export interface PacketFilter {
  /** How many packets were dropped so far. */
  stray(): Promise<number>
}
