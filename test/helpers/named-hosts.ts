import { randomInt } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { type DnsAnswer, type FakeDns, startFakeDns } from './fake-dns.ts'
import { program } from './programs.ts'
import { LAUNCHER } from './server.ts'
import { temporaryFolder } from './temporary.ts'

/** What a test that gives Homeport a name server of its own `needs`. */
export const NAMING_PROGRAMS = ['unshare', 'mount', 'sh'] as const

export interface NamedHosts extends AsyncDisposable {
  readonly dns: FakeDns
  /** Starts Homeport: `startServer({ launcher })`. */
  readonly launcher: string
}

/**
 * A name server of the test's own, which Homeport alone asks, in a mount namespace with another /etc/resolv.conf.
 *
 *     test('…', needs(...NAMING_PROGRAMS), async () => {
 *       await using names = await nameHosts({ 'registry.test': ['127.0.0.1'], 'dead.test': 'silence' })
 *       await using server = await startServer({ launcher: names.launcher, config })
 *       names.dns.names.set('registry.test', 'servfail')
 */
export async function nameHosts(names: Readonly<Record<string, DnsAnswer>> = {}): Promise<NamedHosts> {
  const folder = await temporaryFolder()
  const dns = await onOwnAddress(names)
  const [resolver] = dns.address.split(':')
  await writeFile(folder.at('resolv.conf'), `nameserver ${resolver}\noptions timeout:2 attempts:2\n`)
  const launcher = folder.at('homeport')
  const script = [
    `#!${program('sh')}`,
    `exec '${program('unshare')}' --mount --propagation private '${program('sh')}' -c '`,
    `  "${program('mount')}" --bind "${folder.at('resolv.conf')}" /etc/resolv.conf && exec "${LAUNCHER}" "$@"`,
    `' sh "$@"`,
  ]
  await writeFile(launcher, `${script.join('\n')}\n`)
  await chmod(launcher, 0o755)
  return {
    ...{ dns, launcher },
    async [Symbol.asyncDispose]() {
      await dns[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** The system asks port 53 only: loopback has many addresses, and one is free. */
async function onOwnAddress(names: Readonly<Record<string, DnsAnswer>>): Promise<FakeDns> {
  for (let tries = 1; ; tries += 1) {
    const host = `127.${randomInt(64, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`
    try {
      return await startFakeDns(names, { host, port: 53 })
    } catch (error) {
      if (tries === 5) throw error
    }
  }
}
