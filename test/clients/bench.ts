import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import type { Image } from '../helpers/images.ts'
import { withDescendants } from '../helpers/oci-layout.ts'
import { type Outcome, run } from '../helpers/processes.ts'
import { type ProgramName, program } from '../helpers/programs.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { type TemporaryFolder, temporaryFolder } from '../helpers/temporary.ts'

export const USER = 'alice'
export const PASSWORD = 's3cret pass:word'

/** Homeport over TLS with one account, and a home of its own for a client that needs no root and no daemon. */
export class Bench implements AsyncDisposable {
  readonly server: Server
  /** A second opinion on what the registry holds. */
  readonly registry: RegistryClient
  /** Where the client runs. */
  readonly folder: TemporaryFolder
  readonly #env: Readonly<Record<string, string | undefined>>

  constructor(server: Server, registry: RegistryClient, folder: TemporaryFolder) {
    this.server = server
    this.registry = registry
    this.folder = folder
    const inherited = Object.keys(process.env).filter((name) => OF_CLIENTS.test(name))
    this.#env = {
      ...Object.fromEntries(inherited.map((name) => [name, undefined])),
      ...{ HOME: folder.at('home'), DOCKER_CONFIG: folder.at('home/.docker') },
    }
  }

  /** The registry as clients name it. */
  get host(): string {
    return this.server.host
  }

  /** Root certificate to trust, as a path. */
  get ca(): string {
    assert.ok(this.server.ca)
    return this.server.ca
  }

  /** Runs a client that trusts the machine's authorities only. */
  async runDistrusting(name: ProgramName, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const { input, env } = options
    return await run(program(name), args, {
      ...{ cwd: this.folder.path, env: { ...this.#env, ...env } },
      ...(input !== undefined && { input }),
    })
  }

  /** Runs a client that trusts our authority, by what Go programs read. */
  async run(name: ProgramName, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return await this.runDistrusting(name, args, { ...options, env: { SSL_CERT_FILE: this.ca, ...options.env } })
  }

  /** The digest of a manifest, as the registry names it and as its bytes have it. */
  async digestAt(repository: string, reference: string): Promise<string> {
    const { digest, mediaType } = await this.registry.pullManifest(repository, reference)
    const path = `/v2/${repository}/manifests/${reference}`
    const { status, headers } = await this.registry.request('HEAD', path, { headers: { accept: mediaType } })
    assert.deepEqual([status, headers['docker-content-digest']], [200, digest])
    return digest
  }

  /** Fails where a tag is not this image, or anything of it is missing or has other bytes. */
  async assertStored(repository: string, tag: string, image: Image): Promise<void> {
    assert.equal(await this.digestAt(repository, tag), image.manifest.digest)
    for (const { manifest, blobs } of withDescendants(image)) {
      assert.deepEqual(await this.registry.pullManifest(repository, manifest.digest), manifest)
      for (const [digest, bytes] of blobs) {
        assert.deepEqual(await this.registry.pullBlob(repository, digest), { digest, size: bytes.length })
      }
    }
  }

  /** Digests of what refers to a manifest, from the referrers API. */
  async referrersOf(repository: string, subject: string, artifactType?: string): Promise<string[]> {
    const filter = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`
    const { status, text } = await this.registry.request('GET', `/v2/${repository}/referrers/${subject}${filter}`)
    assert.equal(status, 200, text)
    const { manifests }: { manifests: { digest: string }[] } = JSON.parse(text)
    return manifests.map(({ digest }) => digest).sort()
  }

  async tagsOf(repository: string): Promise<string[]> {
    const { text } = await this.registry.request('GET', `/v2/${repository}/tags/list`)
    const { tags }: { tags: string[] } = JSON.parse(text)
    return tags.sort()
  }

  /** The status of an answer to HEAD, and nothing of its body. */
  async statusOf(path: string): Promise<number> {
    return (await this.registry.request('HEAD', `/v2/${path}`)).status
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.registry[Symbol.dispose]()
    await this.server[Symbol.asyncDispose]()
    await this.folder[Symbol.asyncDispose]()
  }
}

interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** What would bring a tester's own settings, or his credentials, into a client. */
const OF_CLIENTS = /^(COSIGN|CRANE|DOCKER|HELM|ORAS|REGCTL|REGISTRY|SIGSTORE|TUF|SSL|XDG)_/

/** `config`: further sections of the configuration. */
export async function openBench(config: Readonly<Record<string, unknown>> = {}): Promise<Bench> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  await mkdir(folder.at('home/.docker'), { recursive: true })
  const server = stack.use(await startServer({ tls: true, users: { [USER]: PASSWORD }, config }))
  const bench = new Bench(server, await server.client({ user: USER, password: PASSWORD }), folder)
  stack.move()
  return bench
}
