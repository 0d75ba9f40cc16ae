import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { htpasswdOf, type ServerOptions, startServer } from '../../helpers/server.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

/** Says where it listens, as Homeport does, and then runs `then`. */
async function withLauncher(
  then: string,
  use: (start: (options?: ServerOptions) => ReturnType<typeof startServer>) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder()
  const line = '{"level":30,"address":"127.0.0.1:4321","scheme":"https","msg":"listening on 127.0.0.1:4321, tls"}'
  const script = `#!/bin/sh\necho "$@" >&2\necho '${line}' >&2\n${then}\n`
  await writeFile(folder.at('launcher'), script, { mode: 0o755 })
  await use((options) => startServer({ ...options, launcher: folder.at('launcher') }))
}

test('a server is started with its configuration, and known by what it logs', async () => {
  await withLauncher('exec sleep 60', async (start) => {
    await using server = await start({ tls: true, users: { ann: 'secret' }, config: { ui: { enabled: false } } })
    assert.deepEqual([server.port, server.host, server.url], [4321, 'localhost:4321', 'https://localhost:4321'])
    assert.deepEqual(server.log[0], { msg: `serve ${server.configFile}` })
    assert.equal(server.log[1]?.msg, 'listening on 127.0.0.1:4321, tls')

    const { http, auth, storage, ui } = JSON.parse(await readFile(server.configFile, 'utf8'))
    assert.deepEqual([http.addr, ui], ['127.0.0.1:0', { enabled: false }])
    assert.deepEqual(storage, { filesystem: { rootdirectory: server.data }, delete: { enabled: true } })
    for (const path of [http.tls.certificate, http.tls.key, auth.htpasswd.path]) assert.ok((await stat(path)).size > 0)
    assert.ok((await server.memoryPeak()) > 0)
  })
})

test('a server is ended as told, and started again on the same folder', async () => {
  await withLauncher('trap "exit 7" TERM; sleep 60 & wait', async (start) => {
    await using server = await start()
    const { pid } = server.process
    assert.equal((await server.stop()).code, 7)
    await server.start()
    assert.notEqual(server.process.pid, pid)
    await server.kill()
    assert.equal((await server.process.ended).signal, 'SIGKILL')
  })
})

test('a server that does not start is an error with what it said, and leaves no folder', async () => {
  await using folder = await temporaryFolder()
  const script = `#!/bin/sh\necho "$2" >${folder.at('config')}\necho no such key; exit 1\n`
  await writeFile(folder.at('launcher'), script, { mode: 0o755 })
  await assert.rejects(startServer({ launcher: folder.at('launcher') }), /no such key/)
  assert.equal(existsSync((await readFile(folder.at('config'), 'utf8')).trim()), false)
})

test('passwords are written as htpasswd writes them', async () => {
  const lines = (await htpasswdOf({ ann: 'secret', bob: 'pass:word' })).split('\n')
  assert.match(lines[0] ?? '', /^ann:\$2[aby]\$04\$[./\w]{53}$/)
  assert.match(lines[1] ?? '', /^bob:/)
})
