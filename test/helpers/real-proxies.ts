import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { hash } from 'bcryptjs'
import { freePort, listens } from './listening.ts'
import { type RunningProcess, start } from './processes.ts'
import { type ProgramName, program } from './programs.ts'
import { type TemporaryFolder, temporaryFolder } from './temporary.ts'

/** What a test with such a proxy `needs`. */
export const PROXY_PROGRAMS = {
  squid: ['squid', 'basic_ncsa_auth'],
  tinyproxy: ['tinyproxy'],
  microsocks: ['microsocks'],
  dante: ['danted'],
} as const satisfies Readonly<Record<string, readonly ProgramName[]>>

export type ProxyKind = keyof typeof PROXY_PROGRAMS

/** Wanted by all but dante, whose passwords are those of the system. */
const USER = 'alice'
const PASSWORD = 's3cret'

export interface RealProxyOptions {
  /** Default: of 127.0.0.1, a free one. */
  readonly address?: { readonly host: string; readonly port: number }
  /** Of squid: names that it knows, and nobody else, with their addresses. */
  readonly hosts?: Readonly<Record<string, string>>
  /** Starts the program elsewhere: `namespace.start.bind(namespace)`, with an address there. */
  readonly start?: typeof start
}

/**
 * A proxy as people run it: squid and tinyproxy (HTTP), microsocks and dante (SOCKS5).
 *
 *     test('…', needs(...PROXY_PROGRAMS.squid), async () => {
 *       await using proxy = await startRealProxy('squid')
 *       … proxy.url() is http://alice:s3cret@127.0.0.1:port; proxy.url({ password: 'wrong' }) …
 *       assert.deepEqual(await proxy.targets(), ['localhost:40123'])     // squid tells at the end of each connection
 */
export async function startRealProxy(kind: ProxyKind, options: RealProxyOptions = {}): Promise<RealProxy> {
  const { start: startIt = start } = options
  for (let tries = 1; ; tries += 1) {
    const folder = await temporaryFolder()
    const address = options.address ?? { host: '127.0.0.1', port: await freePort() }
    const [command, args] = await SETUPS[kind](folder, address, options.hosts)
    const proxy = new RealProxy(kind, { folder, address, process: startIt(program(command), args) })
    try {
      await listens(proxy.process, address.port)
      return proxy
    } catch (error) {
      const { stdout, stderr } = proxy.process
      await proxy[Symbol.asyncDispose]()
      // Somebody else may have taken the port in between.
      if (options.address || tries === 3) throw new Error(`${kind}: ${stdout}${stderr}`, { cause: error })
    }
  }
}

interface Parts {
  readonly folder: TemporaryFolder
  readonly address: { readonly host: string; readonly port: number }
  readonly process: RunningProcess
}

export class RealProxy implements AsyncDisposable {
  readonly kind: ProxyKind
  readonly process: RunningProcess
  readonly #parts: Parts

  constructor(kind: ProxyKind, parts: Parts) {
    this.kind = kind
    this.process = parts.process
    this.#parts = parts
  }

  get port(): number {
    return this.#parts.address.port
  }

  /** With the right password, if it wants one. `scheme`: `socks5` or `socks5h`, for those that are no HTTP proxies. */
  url({ scheme, password = PASSWORD }: { readonly scheme?: 'socks5' | 'socks5h'; readonly password?: string } = {}) {
    const { host, port } = this.#parts.address
    const http = this.kind === 'squid' || this.kind === 'tinyproxy'
    const credentials = this.kind === 'dante' ? '' : `${USER}:${password}@`
    return `${http ? 'http' : (scheme ?? 'socks5')}://${credentials}${host}:${port}`
  }

  /** Whom it connected to, as it was asked: `localhost:443`. */
  async targets(): Promise<string[]> {
    const { stdout, stderr } = this.process
    const log =
      this.kind === 'squid' ? await readFile(this.#parts.folder.at('own', 'access.log'), 'utf8') : stdout + stderr
    const found = [...log.matchAll(TARGETS[this.kind])]
    return found.map(([, target = '']) => {
      if (this.kind === 'dante') return target.replace(/\.(\d+)$/, ':$1')
      return target.includes('://') ? new URL(target).host : target
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill()
    await this.#parts.folder[Symbol.asyncDispose]()
  }
}

const TARGETS: Readonly<Record<ProxyKind, RegExp>> = {
  squid: / TCP_\w+\/\d+ \d+ [A-Z]+ (\S+) /g,
  tinyproxy: /Request \(file descriptor \d+\): [A-Z]+ (\S+) HTTP/g,
  microsocks: /connected to (\S+)/g,
  // 127.0.0.1.5000 is a port of an address.
  dante: /pass\(\d+\): tcp\/connect \[: .* -> \S+ (\S+)$/gm,
}

type Setup = (
  folder: TemporaryFolder,
  address: Parts['address'],
  hosts?: Readonly<Record<string, string>>,
) => Promise<readonly [command: ProgramName, args: readonly string[]]>

const SETUPS: Readonly<Record<ProxyKind, Setup>> = {
  async squid(folder, { host, port }, hosts = {}) {
    // As root it becomes somebody else, who must be able to write here.
    await chmod(folder.path, 0o755)
    await mkdir(folder.at('own'))
    await chmod(folder.at('own'), 0o777)
    await writeFile(folder.at('users'), `${USER}:${await hash(PASSWORD, 4)}\n`)
    const known = Object.entries(hosts).map(([name, at]) => `${at} ${name}\n`)
    await writeFile(folder.at('hosts'), known.join(''))
    const lines = [
      `http_port ${host}:${port}`,
      `hosts_file ${folder.at('hosts')}`,
      `auth_param basic program ${program('basic_ncsa_auth')} ${folder.at('users')}`,
      'auth_param basic realm lab',
      'acl known proxy_auth REQUIRED',
      'http_access allow known',
      'http_access deny all',
      'cache deny all',
      `access_log stdio:${folder.at('own', 'access.log')}`,
      'logfile_rotate 0',
      'buffered_logs off',
      `cache_log ${folder.at('own', 'cache.log')}`,
      `coredump_dir ${folder.at('own')}`,
      'pid_filename none',
      'pinger_enable off',
      'shutdown_lifetime 1 seconds',
      'max_filedescriptors 4096',
      'dns_nameservers 127.0.0.1',
    ]
    await writeFile(folder.at('squid.conf'), `${lines.join('\n')}\n`)
    return ['squid', ['-N', '-f', folder.at('squid.conf')]]
  },

  async tinyproxy(folder, { host, port }) {
    const lines = [
      ...['User nobody', 'Group nogroup', `Port ${port}`, `Listen ${host}`, 'Timeout 60'],
      ...['LogLevel Connect', 'MaxClients 50', `BasicAuth ${USER} ${PASSWORD}`],
    ]
    await writeFile(folder.at('tinyproxy.conf'), `${lines.join('\n')}\n`)
    return ['tinyproxy', ['-d', '-c', folder.at('tinyproxy.conf')]]
  },

  async microsocks(_folder, { host, port }) {
    return ['microsocks', ['-i', host, '-p', String(port), '-u', USER, '-P', PASSWORD]]
  },

  async dante(folder, { host, port }) {
    const lines = [
      ...['logoutput: stderr', `internal: ${host} port = ${port}`, `external: ${host}`],
      ...['socksmethod: none', 'clientmethod: none', 'user.privileged: root', 'user.unprivileged: nobody'],
      'client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }',
      'socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 protocol: tcp\n log: connect\n}',
    ]
    await writeFile(folder.at('danted.conf'), `${lines.join('\n')}\n`)
    return ['danted', ['-f', folder.at('danted.conf'), '-p', folder.at('danted.pid')]]
  },
}
