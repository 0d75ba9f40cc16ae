import { spawn } from 'node:child_process'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Certificates } from '../../test/helpers/certificates.ts'
import { leftBehind } from '../../test/helpers/left-behind.ts'
import { program } from '../../test/helpers/programs.ts'
import { htpasswdFor } from './account.ts'
import { freePort } from './free-port.ts'
import { nginxConfig } from './nginx-config.ts'
import { cpuSecondsOf, memoryOf } from './usage.ts'

/** What is measured beside Homeport, and Homeport. nginx gives out files and takes none. */
export type ContenderName = 'homeport' | 'registry2' | 'registry3' | 'nginx'

export interface ContenderOptions {
  /** A folder of its own, for its configuration and its log. */
  readonly folder: string
  /** What is served. */
  readonly data: string
  readonly certificates: Certificates
  /** Path of Homeport's launcher, in the release tree. */
  readonly homeport: string
  /** Of the one account. Left out: open to everybody. */
  readonly bcryptCost?: number
  readonly env?: Readonly<Record<string, string>>
  readonly upstream?: CachedUpstream
}

/** Whose images it caches. */
export interface CachedUpstream {
  readonly url: string
  /** How long Homeport takes a tag for confirmed, as its setting has it. Left out: its default. The others ask each time. */
  readonly revalidate?: string
}

/** A server that answers over TLS on a port of its own. Its log goes to a file, as under a service manager. */
export interface Contender extends AsyncDisposable {
  readonly name: ContenderName
  readonly url: string
  /** From the start of the process to the end of its first answer. */
  readonly startMs: number
  /** Of all its processes and threads since the start. */
  cpuSeconds(): Promise<number>
  /** Resident, of all its processes, in bytes. */
  memory(): Promise<number>
  /** The most that it was, of each of its processes. */
  memoryPeak(): Promise<number>
}

/** Starts it, and resolves after its first answer. */
export async function startContender(name: ContenderName, options: ContenderOptions): Promise<Contender> {
  const { folder, data, env } = options
  for (const path of [folder, data]) await mkdir(path, { recursive: true })
  const port = await freePort()
  const [command, ...args] = await commandFor(name, port, options)
  const log = await open(join(folder, 'log'), 'a')
  const begun = performance.now()
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none', ...env },
  })
  const { pid } = child
  await log.close()
  if (pid === undefined) throw new Error(`${command} was not started`)
  leftBehind.addGroup(pid)
  let running = true
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      running = false
      resolve()
    }),
  )
  const url = `https://localhost:${port}`
  while (!(await answers(`${url}/v2/`))) {
    if (!running) throw new Error(`${name} ended before it answered; ${join(folder, 'log')} says why`)
    await sleep(2)
  }
  return {
    ...{ name, url, startMs: performance.now() - begun },
    cpuSeconds: () => cpuSecondsOf(pid),
    memory: () => memoryOf(pid, 'now'),
    memoryPeak: () => memoryOf(pid, 'peak'),
    async [Symbol.asyncDispose]() {
      process.kill(-pid, 'SIGTERM')
      await ended
      leftBehind.forgetGroup(pid)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function commandFor(
  name: ContenderName,
  port: number,
  { folder, data, certificates, homeport, bcryptCost, upstream }: ContenderOptions,
): Promise<[command: string, ...args: string[]]> {
  const config = join(folder, 'config')
  if (name === 'nginx') {
    await writeFile(config, nginxConfig({ folder, data, certificates, port }))
    return [program('nginx'), '-c', config, '-p', folder, '-e', 'error.log']
  }
  const htpasswd = join(folder, 'htpasswd')
  if (bcryptCost !== undefined) await writeFile(htpasswd, await htpasswdFor(bcryptCost))
  // JSON is YAML. What is not here is each one's default: the access log is on, health checks of the store are off.
  await writeFile(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: data } },
      http: { addr: `127.0.0.1:${port}`, tls: { certificate: certificates.certificate, key: certificates.key } },
      ...(bcryptCost !== undefined && { auth: { htpasswd: { realm: 'bench', path: htpasswd } } }),
      ...(upstream && sectionFor(name, upstream)),
    }),
  )
  if (name === 'homeport') return [homeport, 'serve', config]
  return [program(name === 'registry2' ? 'docker-registry' : 'registry3'), 'serve', config]
}

/** `proxy` is the same for all; what it has no word for is said in Homeport's own. */
function sectionFor(name: ContenderName, { url, revalidate }: CachedUpstream): object {
  if (name !== 'homeport' || revalidate === undefined) return { proxy: { remoteurl: url } }
  return { upstreams: { [new URL(url).host]: { url, default: true, revalidate } } }
}

/** Whatever the answer is, but that it is not ready. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode !== 503))
    }).once('error', () => resolve(false))
  })
}
