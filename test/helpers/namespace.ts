import { chmod, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { forward } from './forward.ts'
import { type Outcome, type ProcessOptions, type RunningProcess, run, start } from './processes.ts'
import { program } from './programs.ts'
import { type TemporaryFolder, temporaryFolder } from './temporary.ts'

/** Of TEST-NET-2 (RFC 5737), and not of 127.0.0.0/8: for loopback, Docker does not check the certificate. */
const ADDRESS = '198.51.100.7'

/** What is written to `/etc`, `/opt`, `/run` and `/var` stays in memory. `/var/run` leads to `/run`. */
const SETUP = `
set -eu
ip link set lo up
ip address add ${ADDRESS}/32 dev lo
mount -t tmpfs tmpfs /run
for folder in etc opt var; do
  mkdir -p "/run/over/$folder" "/run/over/$folder.work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=/run/over/$folder,workdir=/run/over/$folder.work" "/$folder"
done
echo '${ADDRESS}' "$1" >>/etc/hosts
echo ready
exec sleep infinity
`

interface RunOptions extends ProcessOptions {
  readonly timeoutMs?: number
}

const CGROUPS = '/sys/fs/cgroup'

/** What a test that enters a namespace `needs`, with what it starts there. */
export const NAMESPACE_PROGRAMS = ['unshare', 'nsenter', 'mount', 'ip', 'sh'] as const

/** Namespaces of mounts, network and processes, with `host` as the name of their one address. */
export async function enterNamespace(host: string): Promise<Namespace> {
  const folder = await temporaryFolder()
  const init = start(program('unshare'), [
    ...['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'],
    ...[program('sh'), '-c', SETUP, 'sh', host],
  ])
  const namespace = new Namespace(folder, init)
  try {
    await init.output(/^ready$/m)
  } catch (error) {
    await namespace[Symbol.asyncDispose]()
    throw error
  }
  return namespace
}

/**
 * A place where a container engine may do as it likes: its configuration, mounts, networks, daemons and containers are
 * gone with it, however the test ends. The registry stays outside; `expose` makes it reachable.
 */
export class Namespace implements AsyncDisposable {
  /** The same inside and outside. */
  readonly folder: TemporaryFolder
  readonly #init: RunningProcess
  readonly #started: RunningProcess[] = []
  readonly #toClose: (() => void)[] = []
  readonly #cgroups: string[] = []

  constructor(folder: TemporaryFolder, init: RunningProcess) {
    this.folder = folder
    this.#init = init
  }

  /** A cgroup for the containers, which is no namespace's and has to be removed apart. */
  get cgroup(): string {
    return basename(this.folder.path)
  }

  /** Has a cgroup that a program makes under a name of its own removed with the namespace. */
  owns(cgroup: string): void {
    this.#cgroups.push(cgroup)
  }

  /** A script that starts a program in these mounts and networks, as a process that signals reach. */
  async launcher(command: string): Promise<string> {
    const path = this.folder.at(`in-${basename(command)}`)
    const entering = `'${program('nsenter')}' --target ${this.#init.pid} --mount --net --`
    await writeFile(path, `#!${program('sh')}\nexec ${entering} '${command}' "$@"\n`)
    await chmod(path, 0o755)
    return path
  }

  /** Ends with the namespace. */
  start(command: string, args: readonly string[], options: ProcessOptions = {}): RunningProcess {
    const started = start(program('nsenter'), this.#entering(command, args), withoutProxy(options))
    this.#started.push(started)
    return started
  }

  async run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return await run(program('nsenter'), this.#entering(command, args), withoutProxy(options))
  }

  /** Writes a file, and the folders above it. */
  async write(path: string, text: string): Promise<void> {
    await this.run(program('sh'), ['-c', 'mkdir -p "$(dirname "$1")" && cat >"$1"', 'sh', path], { input: text })
  }

  /** Makes a port of 127.0.0.1 outside a port of `host` inside. */
  async expose(outside: number, inside: number): Promise<void> {
    const path = this.folder.at(`${inside}.sock`)
    const server = await forward({ path }, { host: '127.0.0.1', port: outside })
    this.#toClose.push(() => server.close())
    await this.#forward({ host: ADDRESS, port: inside }, { path })
  }

  /** Makes a port of `host` inside one of 127.0.0.1 outside, and resolves to it. */
  async reach(inside: number): Promise<number> {
    const path = this.folder.at(`to-${inside}.sock`)
    await this.#forward({ path }, { host: ADDRESS, port: inside })
    const server = await forward({ host: '127.0.0.1', port: 0 }, { path })
    this.#toClose.push(() => server.close())
    return (server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endProcesses()
    for (const close of this.#toClose) close()
    for (const name of [this.cgroup, ...this.#cgroups]) await removeCgroups(name)
    await this.folder[Symbol.asyncDispose]()
  }

  async #forward(from: object, to: object): Promise<void> {
    const script = join(import.meta.dirname, 'forward.ts')
    await this.start(process.execPath, [script, JSON.stringify(from), JSON.stringify(to)]).output(/^listening$/m)
  }

  /** The first process of a namespace ends only when the kernel has ended all others; `unshare` waits for it. */
  async #endProcesses(): Promise<void> {
    const { pid, running, ended } = this.#init
    if (running) {
      const first = Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
      process.kill(first, 'SIGKILL')
      await ended
    }
    for (const started of [this.#init, ...this.#started]) await started.kill()
  }

  #entering(command: string, args: readonly string[]): string[] {
    const { pid } = this.#init
    // `unshare` itself is in the new namespaces, but for that of processes, where only its children are.
    const processes = `--pid=/proc/${pid}/ns/pid_for_children`
    return ['--target', String(pid), '--mount', '--net', processes, '--', command, ...args]
  }
}

/** What the machine has as a proxy is not there to be reached. */
function withoutProxy<Options extends ProcessOptions>(options: Options): Options {
  return { ...options, env: { NO_PROXY: '*', no_proxy: '*', ...options.env } }
}

/** Removes the cgroups of this name and all below them, in the one tree of version 2 or the many of version 1. */
async function removeCgroups(name: string): Promise<void> {
  const trees = await readdir(CGROUPS).catch(() => [])
  for (const top of ['', ...trees].map((tree) => join(CGROUPS, tree, name))) {
    const below = await readdir(top, { recursive: true, withFileTypes: true }).catch(() => undefined)
    if (below === undefined) continue
    const groups = below.filter((entry) => entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name))
    // Deepest first.
    for (const group of [top, ...groups].sort((a, b) => b.length - a.length)) await rmdir(group)
  }
}
