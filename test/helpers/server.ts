import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificates, issueCertificate } from './certificates.ts'
import { type Outcome, type RunningProcess, start } from './processes.ts'
import { RawSocket } from './raw-socket.ts'
import { RegistryClient } from './registry-client.ts'
import { type TemporaryFolder, temporaryFolder } from './temporary.ts'

/** The cheapest that bcrypt allows: tests check that passwords are checked, not how long that takes. */
const BCRYPT_COST = 4

/** The launcher: of the checkout, or of a release tree that `HOMEPORT_UNDER_TEST` names. */
export const LAUNCHER = process.env['HOMEPORT_UNDER_TEST'] ?? join(import.meta.dirname, '../../homeport')

export interface ServerOptions {
  /** Serve `https`, with a certificate for localhost and 127.0.0.1, or the one given. */
  readonly tls?: true | Certificates
  /** Passwords by user name. Without: open to everybody. */
  readonly users?: Readonly<Record<string, string>>
  /** `storage.filesystem.rootdirectory`. Default: a folder that is removed with the server. */
  readonly data?: string
  /** `storage.delete.enabled`. Default: true. */
  readonly deletes?: boolean
  /** Further keys of `http`. */
  readonly http?: Readonly<Record<string, unknown>>
  /** Further sections of config.yml, over the ones that follow from the above. */
  readonly config?: Readonly<Record<string, unknown>>
  /** A config.yml as somebody wrote it. What the options above decide, but `config`, is then set by variables. */
  readonly text?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Path of the launcher, where it is not the one under test. */
  readonly launcher?: string
}

export interface LogLine {
  readonly msg?: string
  readonly [field: string]: unknown
}

/** Starts Homeport as a process on a port of its own choosing, and resolves when it listens. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const folder = await temporaryFolder()
  const tls = options.tls === true ? await issueCertificate() : options.tls
  const htpasswd = options.users && folder.at('htpasswd')
  if (options.users && htpasswd) await writeFile(htpasswd, await htpasswdOf(options.users))
  const data = options.data ?? folder.at('data')

  // JSON is YAML.
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: data }, delete: { enabled: options.deletes ?? true } },
    http: { addr: '127.0.0.1:0', ...(tls && { tls: { certificate: tls.certificate, key: tls.key } }), ...options.http },
    ...(htpasswd && { auth: { htpasswd: { realm: 'Homeport', path: htpasswd } } }),
    ...options.config,
    log: { level: 'info', formatter: 'json', ...(options.config?.['log'] as object | undefined) },
  }
  await writeFile(folder.at('config.yml'), options.text ?? JSON.stringify(config, null, 2))
  const variables = options.text === undefined ? {} : variablesOf(config, htpasswd)
  const server = new Server(folder, { ...options, data, tls, env: { ...variables, ...options.env } })
  try {
    await server.start()
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  return server
}

interface Decided {
  readonly storage: object
  readonly http: object
}

/** Sections as variables: their values are YAML, and JSON is YAML. */
function variablesOf({ storage, http }: Decided, htpasswd: string | undefined): Record<string, string> {
  const nested = { STORAGE: storage, HTTP: http, ...(htpasswd && { AUTH: { htpasswd: { path: htpasswd } } }) }
  const variables: Record<string, string> = {}
  const visit = (name: string, value: unknown) => {
    if (typeof value !== 'object' || value === null) variables[name] = String(value)
    else for (const [key, inside] of Object.entries(value)) visit(`${name}_${key.toUpperCase()}`, inside)
  }
  visit('REGISTRY', nested)
  return variables
}

/** Lines as `htpasswd -B` writes them. */
export async function htpasswdOf(users: Readonly<Record<string, string>>): Promise<string> {
  const { hash } = await import('bcryptjs')
  const lines = Object.entries(users).map(async ([name, password]) => `${name}:${await hash(password, BCRYPT_COST)}\n`)
  return (await Promise.all(lines)).join('')
}

/** A started Homeport, and its folder. After `stop` or `kill` it may be started again, on another port. */
export class Server implements AsyncDisposable {
  /** `storage.filesystem.rootdirectory`. */
  readonly data: string
  /** Root certificate to trust, as a path; `undefined` for plain HTTP. */
  readonly ca: string | undefined
  readonly #folder: TemporaryFolder
  readonly #command: readonly [launcher: string, env: Readonly<Record<string, string | undefined>>]
  #process: RunningProcess | undefined
  #address = ''
  #scheme = ''

  constructor(
    folder: TemporaryFolder,
    options: Pick<ServerOptions, 'launcher' | 'env'> & { readonly data: string; readonly tls: unknown },
  ) {
    this.#folder = folder
    this.data = options.data
    this.ca = (options.tls as Certificates | undefined)?.ca
    this.#command = [options.launcher ?? LAUNCHER, options.env ?? {}]
  }

  /** The process, for signals, /proc and strace. */
  get process(): RunningProcess {
    if (this.#process === undefined) throw new Error('The server was not started')
    return this.#process
  }

  get configFile(): string {
    return this.#folder.at('config.yml')
  }

  get port(): number {
    return Number(this.#address.split(':').at(-1))
  }

  /** `localhost` and the port, as clients write it in an image's name. */
  get host(): string {
    return `localhost:${this.port}`
  }

  /** Without a slash at the end. */
  get url(): string {
    return `${this.#scheme}://${this.host}`
  }

  /** Lines of the log since the last start; what is no JSON has its text in `msg`. */
  get log(): LogLine[] {
    const lines = this.process.stderr.split('\n').slice(0, -1)
    return lines.map((line) => (line.startsWith('{') ? JSON.parse(line) : { msg: line }))
  }

  /** A client that trusts this server. */
  async client(credentials?: { readonly user: string; readonly password: string }): Promise<RegistryClient> {
    const ca = this.ca === undefined ? undefined : await readFile(this.ca, 'utf8')
    return new RegistryClient(this.url, { ...(ca !== undefined && { ca }), ...(credentials && { credentials }) })
  }

  /** A connection that trusts this server, for bytes of one's own. */
  async connect(): Promise<RawSocket> {
    const ca = this.ca === undefined ? {} : { ca: await readFile(this.ca, 'utf8') }
    return await RawSocket.connect({ port: this.port, ...ca })
  }

  async start(): Promise<void> {
    const [launcher, env] = this.#command
    this.#process = start(launcher, ['serve', this.configFile], { env })
    // In whatever format the log is.
    const [, address = '', tls] = await this.#process.output(
      /(?:msg=|"msg":|"message":)"listening on ([^",]+)(, tls)?"/,
    )
    this.#address = address
    this.#scheme = tls === undefined ? 'http' : 'https'
  }

  /** `SIGTERM`, and how it ended. */
  async stop(): Promise<Outcome> {
    this.process.signal('SIGTERM')
    const outcome = await this.process.ended
    await this.process.kill()
    return outcome
  }

  /** `SIGKILL`: what a power cut leaves, but for what the kernel still writes. */
  async kill(): Promise<void> {
    await this.process.kill()
  }

  /** Ends it cleanly, and starts it again on the same folder. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** The most memory that the process held since its start, or since `resetMemoryPeak`, in bytes. */
  async memoryPeak(): Promise<number> {
    const status = await readFile(`/proc/${this.process.pid}/status`, 'utf8')
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
    if (kibibytes === undefined) throw new Error(`No VmHWM in ${status}`)
    return Number(kibibytes) * 1024
  }

  /** Makes `memoryPeak` begin from what is held now (proc(5), clear_refs). */
  async resetMemoryPeak(): Promise<void> {
    await writeFile(`/proc/${this.process.pid}/clear_refs`, '5')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.kill()
    await this.#folder[Symbol.asyncDispose]()
  }
}
