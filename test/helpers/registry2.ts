import { readFile, writeFile } from 'node:fs/promises'
import type { Certificates } from './certificates.ts'
import { type RunningProcess, run, start } from './processes.ts'
import { program } from './programs.ts'
import { type Credentials, RegistryClient } from './registry-client.ts'
import { temporaryFolder } from './temporary.ts'

/** Debian's registry:2, running on a folder. */
export interface Registry2 extends AsyncDisposable {
  readonly client: RegistryClient
  /** `127.0.0.1` and the port. */
  readonly host: string
  /** Ends it, and resolves when it has. */
  stop(): Promise<void>
}

type Version = 'docker-registry' | 'registry3'

interface Settings {
  /** URL of the registry that it caches. */
  readonly proxy?: string
  /** File of users. */
  readonly htpasswd?: string
  readonly tls?: Certificates
  /** Default: true. */
  readonly deletes?: boolean
  /** Whom its client signs in as. */
  readonly credentials?: Credentials
  /** On every answer. */
  readonly headers?: Readonly<Record<string, readonly string[]>>
}

/** `version`: default is Debian's, of the second generation. */
export async function startRegistry2(
  data: string,
  options: Settings & { readonly version?: Version } = {},
): Promise<Registry2> {
  const { version = 'docker-registry' } = options
  const folder = await temporaryFolder()
  const config = folder.at('config.yml')
  await writeFile(config, configFor(data, options))
  const child = start(program(version), ['serve', config], { env: { OTEL_TRACES_EXPORTER: 'none' } })
  try {
    const host = await addressOf(child)
    return {
      client: new RegistryClient(`${options.tls ? 'https' : 'http'}://${host}`, {
        ...(options.tls && { ca: await readFile(options.tls.ca, 'utf8') }),
        ...(options.credentials && { credentials: options.credentials }),
      }),
      host,
      async stop() {
        child.signal('SIGTERM')
        await child.ended
      },
      async [Symbol.asyncDispose]() {
        await child.kill()
        await folder[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await child.kill()
    await folder[Symbol.asyncDispose]()
    throw error
  }
}

/** As a cron job would. Resolves to what it said. */
export async function collectWithRegistry2(data: string, version: Version = 'docker-registry'): Promise<string> {
  await using folder = await temporaryFolder()
  const config = folder.at('config.yml')
  await writeFile(config, configFor(data))
  return (await run(program(version), ['garbage-collect', config])).stdout
}

/** JSON is YAML. */
function configFor(data: string, { proxy, htpasswd, headers, tls, deletes = true }: Settings = {}): string {
  const certificate = tls && { certificate: tls.certificate, key: tls.key }
  return JSON.stringify({
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: data }, delete: { enabled: deletes } },
    http: { addr: '127.0.0.1:0', ...(headers !== undefined && { headers }), ...(certificate && { tls: certificate }) },
    compatibility: { schema1: { enabled: true } },
    ...(proxy !== undefined && { proxy: { remoteurl: proxy } }),
    ...(htpasswd !== undefined && { auth: { htpasswd: { realm: 'Homeport', path: htpasswd } } }),
  })
}

async function addressOf(child: RunningProcess): Promise<string> {
  const [, address = ''] = await child.output(/listening on ([\d.]+:\d+)/)
  return address
}
