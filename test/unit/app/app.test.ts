import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { type App, startApp } from '../../../src/app/app.ts'
import { openLog } from '../../../src/base/log.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { makeImage } from '../../helpers/images.ts'
import { RegistryClient } from '../../helpers/registry-client.ts'
import { Registry2Folder } from '../../helpers/registry2-folder.ts'
import { type TemporaryFolder, temporaryFolder } from '../../helpers/temporary.ts'

interface Wanted {
  readonly data: string
  readonly http?: object
  readonly auth?: object
}

async function startOn({ data, http, auth }: Wanted, said: string[] = []): Promise<App> {
  const storage = { filesystem: { rootdirectory: data } }
  const text = JSON.stringify({ version: 0.1, storage, http: { addr: '127.0.0.1:0', ...http }, ...(auth && { auth }) })
  const log = openLog({ level: 'info', write: (line) => void said.push(JSON.parse(line).msg) })
  const { config } = loadConfig({ text, name: 'c.yml' })
  return await startApp(config, {
    ...{ log, stdout: { write: () => undefined }, signal: new AbortController().signal },
    ...{ proxies: {}, version: '0.0.0' },
  })
}

/** An address that somebody else listens at. */
async function takenAddress(): Promise<{ readonly addr: string } & Disposable> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  return { addr: `127.0.0.1:${port}`, [Symbol.dispose]: () => void server.close() }
}

/** A folder of registry:2, whose adoption is what a start does last. */
async function oldFolder(folder: TemporaryFolder): Promise<string> {
  const data = folder.at('registry')
  await mkdir(data)
  await new Registry2Folder(data).addImage('team/app', makeImage('an old one'), 'latest')
  return data
}

test('a start that is refused has not touched what registry:2 left, and lets go of all that it opened', async (t) => {
  await using folder = await temporaryFolder()
  const data = await oldFolder(folder)
  using taken = await takenAddress()
  await writeFile(folder.at('no.pem'), 'no certificate')
  const pem = folder.at('no.pem')

  // biome-ignore format: one case a line
  const cases: [name: string, wanted: Omit<Wanted, 'data'>, message: RegExp][] = [
    ['a certificate that is none', { http: { tls: { certificate: pem, key: pem } } }, /http\.tls\.certificate .* cannot be used/],
    ['a file of users that is a folder', { auth: { htpasswd: { path: folder.path } } }, /Cannot read the users: EISDIR/],
    ['the address of another', { http: { addr: taken.addr } }, new RegExp(taken.addr)],
    ['the debug address of another', { http: { debug: { addr: taken.addr } } }, new RegExp(taken.addr)],
  ]
  for (const [name, wanted, message] of cases) {
    await t.test(name, async () => {
      const said: string[] = []
      await assert.rejects(startOn({ data, ...wanted }, said), { name: 'OperatorError', message })
      assert.deepEqual(
        said.filter((line) => line.startsWith('read from registry:2')),
        [],
      )
    })
  }

  const said: string[] = []
  await using _ = await startOn({ data }, said)
  assert.ok(said.some((line) => line.startsWith('read from registry:2')))
})

test('a server can be started again in the same process as soon as it has ended', async () => {
  await using folder = await temporaryFolder()
  for (let round = 0; round < 2; round += 1) {
    await using app = await startOn({ data: folder.at('data') })
    using client = new RegistryClient(`http://${app.address}`)
    assert.equal((await client.request('GET', '/readyz')).status, 200)
  }
})
