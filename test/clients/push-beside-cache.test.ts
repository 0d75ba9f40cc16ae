import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFakeUpstream } from '../helpers/fake-upstream.ts'
import { FAULTS } from '../helpers/faults.ts'
import { makeImage } from '../helpers/images.ts'
import { writeLayout } from '../helpers/oci-layout.ts'
import { run } from '../helpers/processes.ts'
import { needs, type ProgramName, program } from '../helpers/programs.ts'
import { startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

interface Pusher {
  readonly name: ProgramName
  /** Pushes the image of a layout, by its tag `v1`, to a place without TLS. */
  readonly args: (layout: string, host: string, repository: string) => readonly string[]
}

const PUSHERS: readonly Pusher[] = [
  { name: 'crane', args: (layout, host, repository) => ['push', layout, `${host}/${repository}:v1`] },
  {
    name: 'skopeo',
    args: (layout, host, repository) => [
      ...['copy', '--dest-tls-verify=false', `oci:${layout}:v1`, `docker://${host}/${repository}:v1`],
    ],
  },
  {
    name: 'oras',
    args: (layout, host, repository) => [
      ...['cp', '--from-oci-layout', `${layout}:v1`, '--to-plain-http', `${host}/${repository}:v1`],
    ],
  },
  {
    name: 'regctl',
    args: (layout, host, repository) => [
      ...['image', 'copy', `ocidir://${layout}:v1`, `${host}/${repository}:v1`, '--host', `reg=${host},tls=disabled`],
    ],
  },
]

test(
  'a new repository is pushed beside a default upstream that says no to every name it does not have, as Docker Hub does',
  needs(...PUSHERS.map(({ name }) => name)),
  async (t) => {
    await using upstream = await startFakeUpstream()
    upstream.always('*', FAULTS.denied)
    const upstreams = { 'docker.io': { default: true, url: upstream.url } }
    await using server = await startServer({ config: { upstreams } })
    await using folder = await temporaryFolder()
    using client = await server.client()
    const image = makeImage('ours')
    await writeLayout(folder.at('layout'), { v1: image })

    for (const { name, args } of PUSHERS) {
      await t.test(name, async () => {
        const repository = `team/by-${name}`
        await run(program(name), args(folder.at('layout'), server.host, repository), { env: { HOME: folder.path } })
        assert.equal((await client.pullManifest(repository, 'v1')).digest, image.manifest.digest)
      })
    }

    await t.test('and who pulls a name that nobody has is told what the upstream said', async () => {
      const { status, text } = await client.request('GET', '/v2/team/nobodys/manifests/v1')
      assert.equal(status, 403)
      assert.match(text, /docker\.io/)
    })
  },
)
