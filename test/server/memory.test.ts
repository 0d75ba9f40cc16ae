import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { digestOfStream } from '../helpers/digest-of.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { seededChunks } from '../helpers/seeded-bytes.ts'
import { type Server, startServer } from '../helpers/server.ts'

const MEBIBYTE = 1024 * 1024
const SIZE = 2048 * MEBIBYTE
const MOST = 64 * MEBIBYTE

const USER = { user: 'ann', password: 'correct horse' }

test('a layer of 2 GiB goes up and down, and the server needs no more than 64 MiB for either', async (context) => {
  await using server = await startServer({ tls: true, users: { [USER.user]: USER.password } })
  const layer = () => Readable.from(seededChunks('a large layer', SIZE))
  const { digest } = await digestOfStream(layer())

  await context.test('up', async (part) => {
    using client = await warmClient(server)
    const told = await within(server, () => client.pushBlob('team/app', { stream: layer(), digest, size: SIZE }))
    part.diagnostic(told)
  })
  // What the push left to the process would hide what the pull needs.
  await server.restart()
  await context.test('down', async (part) => {
    using client = await warmClient(server)
    const told = await within(server, async () => {
      assert.deepEqual(await client.pullBlob('team/app', digest), { digest, size: SIZE })
    })
    part.diagnostic(told)
  })
})

/** The first password starts the threads that check it, and the first blob has the code compiled: no layer's doing. */
async function warmClient(server: Server): Promise<RegistryClient> {
  const client = await server.client(USER)
  await client.pullBlob('team/app', await client.pushBlob('team/app', Buffer.from('a small layer')))
  return client
}

/** Runs `work`, holds that memory rose by no more than it may, and says by how much it did. */
async function within(server: Server, work: () => Promise<unknown>): Promise<string> {
  await server.resetMemoryPeak()
  const before = await server.memoryPeak()
  await work()
  const rise = (await server.memoryPeak()) - before
  const told = `${Math.round(rise / MEBIBYTE)} MiB over ${Math.round(before / MEBIBYTE)} MiB`
  assert.ok(rise <= MOST, `memory rose by ${told}`)
  return told
}
