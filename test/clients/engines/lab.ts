import assert from 'node:assert/strict'
import { issueCertificate } from '../../helpers/certificates.ts'
import { helloProgram } from '../../helpers/hello-program.ts'
import { type Format, type Image, makeImage, makeIndex } from '../../helpers/images.ts'
import { enterNamespace, type Namespace } from '../../helpers/namespace.ts'
import type { RegistryClient } from '../../helpers/registry-client.ts'
import { runbookConfig } from '../../helpers/runbook.ts'
import { startServer } from '../../helpers/server.ts'

const NAME = 'registry.test'
const PORT = 5000

/** How an engine names the registry. */
export const HOST = `${NAME}:${PORT}`
export const USER = 'alice'
export const PASSWORD = 's3cret pass:word'

/**
 * Homeport over TLS with one account, on the configuration of the first user's runbook as it stands there, and a
 * namespace for an engine in which it is `HOST`.
 */
export interface Lab extends AsyncDisposable {
  readonly namespace: Namespace
  /** Root certificate to trust, as a path. */
  readonly ca: string
  /** A second opinion on what the registry holds. */
  readonly client: RegistryClient
  /** The digest of a manifest, as the registry names it and as its bytes have it. */
  digestAt(repository: string, reference: string): Promise<string>
}

/** `more`: further sections of the configuration. */
export async function startLab(more = ''): Promise<Lab> {
  await using stack = new AsyncDisposableStack()
  const tls = await issueCertificate([NAME])
  const server = stack.use(
    await startServer({
      ...{ tls, users: { [USER]: PASSWORD }, text: runbookConfig() + more },
      // Its upstream is Docker Hub.
      env: { REGISTRY_EGRESS_OFFLINE: 'true' },
    }),
  )
  const namespace = stack.use(await enterNamespace(NAME))
  await namespace.expose(server.port, PORT)
  const client = stack.use(await server.client({ user: USER, password: PASSWORD }))

  const opened = stack.move()
  return {
    ...{ namespace, client, ca: tls.ca },
    async digestAt(repository, reference) {
      const { digest, mediaType } = await client.pullManifest(repository, reference)
      const path = `/v2/${repository}/manifests/${reference}`
      const { status, headers } = await client.request('HEAD', path, { headers: { accept: mediaType } })
      assert.deepEqual([status, headers['docker-content-digest']], [200, digest])
      return digest
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** What the image of `helloIndex` prints. */
export const HELLO = 'hello from the registry\n'

/** An index of an image that runs here and one that does not. */
export function helloIndex(format: Format): Image {
  const layers = [[{ path: 'hello', bytes: helloProgram(HELLO), mode: 0o755 }]]
  const own = makeImage('hello', { format, layers, command: ['/hello'] })
  const foreign = makeImage('hello elsewhere', { format, platform: { os: 'linux', architecture: 's390x' } })
  return makeIndex([foreign, own], { format })
}
