import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { needs, program } from '../../test/helpers/programs.ts'

/** How a registry is started: as a cache of one upstream, over plain HTTP on a port of ours. */
export interface Registry {
  readonly name: string
  /** Path of the program. `undefined`: it is not installed. */
  readonly path: string | undefined
  /** Writes what it is configured by. */
  readonly prepare: (scene: Scene) => Promise<Start>
}

export interface Scene {
  /** A folder of its own. */
  readonly folder: string
  readonly port: number
  readonly upstream: string
}

export interface Start {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const LAUNCHER = join(import.meta.dirname, '../../homeport')

/** Homeport, and its peers in the order of the table. */
export const REGISTRIES: readonly Registry[] = [
  { name: 'registry:2', path: installed('docker-registry'), prepare: (scene) => distribution(scene, 'proxy') },
  { name: 'registry 3', path: installed('registry3'), prepare: (scene) => distribution(scene, 'proxy') },
  { name: 'zot', path: process.env['ZOT'], prepare: zot },
  { name: 'nora', path: process.env['NORA'], prepare: nora },
  { name: 'Homeport', path: process.env['HOMEPORT'] ?? LAUNCHER, prepare: (scene) => distribution(scene, 'upstreams') },
]

function installed(name: 'docker-registry' | 'registry3'): string | undefined {
  try {
    return needs(name).skip === undefined ? program(name) : undefined
  } catch {
    return undefined
  }
}

/** Homeport takes the same `proxy`; in a section of its own a tag can be stale after a second, not a minute. */
async function distribution({ folder, port, upstream }: Scene, section: 'proxy' | 'upstreams'): Promise<Start> {
  const config = join(folder, 'config.yml')
  const upstreams = { [new URL(upstream).host]: { url: upstream, default: true, revalidate: '1s' } }
  const cached = section === 'proxy' ? { proxy: { remoteurl: upstream } } : { upstreams }
  await writeFile(
    config,
    JSON.stringify({
      version: 0.1,
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr: `127.0.0.1:${port}` },
      ...cached,
    }),
  )
  return { args: ['serve', config], env: { OTEL_TRACES_EXPORTER: 'none' } }
}

/** On-demand sync of all there is, with one retry. */
async function zot({ folder, port, upstream }: Scene): Promise<Start> {
  const config = join(folder, 'config.json')
  const registry = { urls: [upstream], onDemand: true, tlsVerify: false, maxRetries: 1, content: [{ prefix: '**' }] }
  await writeFile(
    config,
    JSON.stringify({
      distSpecVersion: '1.1.1',
      storage: { rootDirectory: join(folder, 'data') },
      http: { address: '127.0.0.1', port: String(port) },
      log: { level: 'info' },
      extensions: { sync: { enable: true, registries: [{ ...registry, retryDelay: '1s' }] } },
    }),
  )
  return { args: ['serve', config] }
}

/** Without its limit on requests, which ten clients at once would meet. */
async function nora({ folder, port, upstream }: Scene): Promise<Start> {
  return await Promise.resolve({
    args: ['serve'],
    env: {
      NORA_HOST: '127.0.0.1',
      NORA_PORT: String(port),
      NORA_STORAGE_PATH: join(folder, 'data'),
      NORA_DOCKER_PROXIES: upstream,
      NORA_DOCKER_METADATA_TTL: '1',
      NORA_RATE_LIMIT_ENABLED: 'false',
    },
  })
}
