import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { Namespace } from '../../helpers/namespace.ts'
import type { Outcome, ProcessOptions } from '../../helpers/processes.ts'
import { program } from '../../helpers/programs.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'
import { HOST } from './lab.ts'

/** Debian's programs, whatever else lies in front of them. */
const DEBIAN = '/usr/sbin:/usr/bin:/sbin:/bin'

export interface DockerdOptions {
  /** Path of the daemon. */
  readonly dockerd: string
  readonly args?: readonly string[]
  /** Containers reach, and are reached, by a bridge and published ports. Default: they have no network. */
  readonly bridge?: boolean
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a Docker daemon, and resolves when it answers. It ends with the namespace. */
export async function startDockerd(
  namespace: Namespace,
  { dockerd, args = [], bridge = false, env = {} }: DockerdOptions,
): Promise<Docker> {
  const { folder } = namespace
  const socket = `unix://${folder.at('docker.sock')}`
  const daemon = namespace.start(
    dockerd,
    [
      ...[
        '--data-root',
        folder.at('docker'),
        '--exec-root',
        folder.at('docker-exec'),
        '--pidfile',
        folder.at('docker.pid'),
        '--host',
        socket,
      ],
      ...['--cgroup-parent', `/${namespace.cgroup}`],
      ...(bridge ? [] : ['--iptables=false', '--ip6tables=false', '--bridge=none']),
      ...args,
    ],
    { env: { PATH: DEBIAN, ...env } },
  )
  await daemon.output(/API listen on/, 60_000)
  await mkdir(folder.at('docker-config'))
  return new Docker(namespace, socket)
}

/** The command line of Docker, signed in nowhere at first. */
export class Docker {
  readonly #namespace: Namespace
  readonly #socket: string

  constructor(namespace: Namespace, socket: string) {
    this.#namespace = namespace
    this.#socket = socket
  }

  async run(args: readonly string[], options: ProcessOptions = {}): Promise<Outcome> {
    return await this.#namespace.run(program('docker'), args, { ...options, env: this.env })
  }

  /** What its command line needs to find it. */
  get env(): Readonly<Record<string, string>> {
    return { PATH: DEBIAN, DOCKER_HOST: this.#socket, DOCKER_CONFIG: this.#namespace.folder.at('docker-config') }
  }

  /** Makes the daemon trust an authority for a registry, as its documentation says; no restart is needed. */
  async trust(ca: string, host: string = HOST): Promise<void> {
    await this.#namespace.write(`/etc/docker/certs.d/${host}/ca.crt`, await readFile(ca, 'utf8'))
  }

  async login(user: string, password: string): Promise<Outcome> {
    return await this.run(['login', '--username', user, '--password-stdin', HOST], { input: password })
  }

  /** The digest that it says it pulled. */
  async pull(image: string): Promise<string> {
    return digestIn(await this.run(['pull', image]), /^Digest: (\S+)$/m)
  }

  /** The digest that it says it pushed. */
  async push(image: string): Promise<string> {
    return digestIn(await this.run(['push', image]), /: digest: (\S+) size: \d+$/m)
  }

  /** Builds from files of a new context, with what the daemon prefers: the classic builder up to 20.10, then BuildKit. */
  async build(image: string, files: Readonly<Record<string, string>>): Promise<void> {
    await using context = await temporaryFolder()
    for (const [name, text] of Object.entries(files)) await writeFile(context.at(name), text)
    await this.run(['build', '--network', 'none', '--tag', image, context.path])
  }

  /** Runs what the image says, and returns what it wrote. */
  async output(image: string): Promise<string> {
    return (await this.run(['run', '--rm', '--network', 'none', image])).stdout
  }
}

function digestIn({ stdout }: Outcome, pattern: RegExp): string {
  const [, digest] = pattern.exec(stdout) ?? []
  if (digest === undefined) throw new Error(`No digest in ${stdout}`)
  return digest
}
