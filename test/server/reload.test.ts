import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from 'node:tls'
import { type Certificates, issueCertificate } from '../helpers/certificates.ts'
import { run, start } from '../helpers/processes.ts'
import { needs, program } from '../helpers/programs.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { htpasswdOf, type Server, startServer } from '../helpers/server.ts'
import { type TemporaryFolder, temporaryFolder } from '../helpers/temporary.ts'

const LAUNCHER = process.env['HOMEPORT_UNDER_TEST'] ?? join(import.meta.dirname, '../../homeport')

/** Puts the text in the place of the file at once. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.next`, text)
  renameSync(`${path}.next`, path)
}

suite('users, while the server runs', () => {
  async function withUsers(users: Readonly<Record<string, string>> | undefined) {
    const folder = await temporaryFolder()
    const path = folder.at('htpasswd')
    if (users !== undefined) writeFileSync(path, await htpasswdOf(users))
    const server = await startServer({ config: { auth: { htpasswd: { realm: 'Homeport', path } } } })
    return {
      ...{ folder, path, server },
      /** The status of the ping. */
      async ping(user: string, password: string) {
        const client = await server.client({ user, password })
        return (await client.request('GET', '/v2/')).status
      },
      readAnew: (users: number) =>
        server.process.output(
          new RegExp(`"users":${users}.*the users were read anew|the users were read anew.*"users":${users}`),
        ),
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]()
        await folder[Symbol.asyncDispose]()
      },
    }
  }

  for (const [name, users] of [
    ['empty', {}],
    ['missing', undefined],
  ] as const) {
    test(`where the file is ${name} everybody is 401, until the command that the log names adds a user (67)`, async () => {
      await using running = await withUsers(users)
      const { server, path, ping, readAnew } = running
      for (const target of ['/v2/', '/v2/_catalog', '/v2/app/manifests/latest']) {
        assert.equal((await (await server.client()).request('GET', target)).status, 401)
      }
      assert.equal(await ping('ann', 'secret'), 401)
      const line = server.log.find(({ msg }) => msg?.includes('nobody can sign in'))
      const command = /homeport (user add NAME --file '.*')$/.exec(line?.msg ?? '')?.[1] ?? ''
      assert.ok(command.includes(path), JSON.stringify(server.log))
      await run('/bin/sh', ['-c', `'${LAUNCHER}' ${command.replace('NAME', 'ann')} --stdin`], { input: 'secret\n' })
      await readAnew(1)
      assert.equal(await ping('ann', 'secret'), 200)
    })
  }

  test('who is taken out is out, also where his password was remembered; an emptied file revokes everybody', async () => {
    await using running = await withUsers({ ann: 'secret', bob: 'secret' })
    const { path, ping, readAnew } = running
    assert.deepEqual([await ping('ann', 'secret'), await ping('bob', 'secret')], [200, 200])
    await run(LAUNCHER, ['user', 'remove', 'ann', '--file', path])
    await readAnew(1)
    assert.deepEqual([await ping('ann', 'secret'), await ping('bob', 'secret')], [401, 200])
    writeFileSync(path, '')
    await readAnew(0)
    assert.deepEqual([await ping('ann', 'secret'), await ping('bob', 'secret')], [401, 401])
  })

  test('a file that is being written is left alone until it is whole: no pull fails meanwhile (D-25)', async () => {
    await using running = await withUsers({ ann: 'secret' })
    const { path, ping, readAnew } = running
    const whole = `${readFileSync(path, 'utf8')}${await htpasswdOf({ bob: 'secret' })}`
    const statuses = new Set<number>()
    const writing = new AbortController()
    const pulling = (async () => {
      while (!writing.signal.aborted) statuses.add(await ping('ann', 'secret'))
    })()
    // Longer than two looks take, and never twice the same at them.
    writeFileSync(path, '')
    for (let step = 0; step < 100; step += 1) {
      appendFileSync(path, `# ${step}\n`)
      await pause(30)
    }
    appendFileSync(path, whole)
    await readAnew(2)
    writing.abort()
    await pulling
    assert.deepEqual([...statuses], [200])
    assert.equal(await ping('bob', 'secret'), 200)
  })

  test('each failed login is one line with who and from where, and no password', async () => {
    await using running = await withUsers({ ann: 'secret' })
    const { server, ping } = running
    assert.equal(await ping('ann', 'canary'), 401)
    assert.equal(await ping('eve', 'canary'), 401)
    assert.equal(await ping('ann', 'secret'), 200)
    const failed = server.log.filter(({ msg }) => msg?.includes('a login failed'))
    assert.deepEqual(
      failed.map((line) => [line['auth.user.name'], line['http.request.remoteaddr']]),
      [
        ['ann', '127.0.0.1'],
        ['eve', '127.0.0.1'],
      ],
    )
    assert.doesNotMatch(server.process.stderr + server.process.stdout, /canary/)
  })

  test('a remembered password never waits behind a flood of wrong ones, nor does a new login from elsewhere', async () => {
    await using running = await withUsers({ ann: 'secret', bob: 'secret' })
    const { server, ping } = running
    assert.equal(await ping('ann', 'secret'), 200)
    const guesses = Array.from({ length: 200 }, (_, guess) => ping(guess % 2 ? 'ann' : 'bob', `guess ${guess}`))
    const flood = Promise.all(guesses)
    assert.equal(await ping('ann', 'secret'), 200)
    using elsewhere = await RawSocket.connect({ port: server.port, localAddress: '127.0.0.2' })
    await elsewhere.request('GET /v2/', [`Authorization: Basic ${Buffer.from('bob:secret').toString('base64')}`])
    assert.equal((await elsewhere.answer()).status, 200)
    const statuses = await flood
    assert.deepEqual(new Set(statuses), new Set([401, 429]))
    assert.equal(await ping('ann', 'secret'), 200)
  })
})

suite('the certificate, while the server runs', needs('openssl'), () => {
  async function withFiles(folder: TemporaryFolder, from: Certificates): Promise<Certificates> {
    const files = { ca: from.ca, certificate: folder.at('cert.pem'), key: folder.at('key.pem') }
    copyFileSync(from.certificate, files.certificate)
    copyFileSync(from.key, files.key)
    return files
  }

  /** The names of the certificate that a new connection is shown. */
  function shown({ port, ca }: Server): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(ca ?? '') }, () => {
        resolve(socket.getPeerX509Certificate()?.subjectAltName ?? '')
        socket.destroy()
      })
      socket.on('error', reject)
    })
  }

  test('is taken anew for new connections, and drops none that run; a bad one is not taken', async () => {
    await using folder = await temporaryFolder()
    const [first, second] = [await issueCertificate(), await issueCertificate(['second.test'])]
    const files = await withFiles(folder, first)
    await using server = await startServer({ tls: files })
    using running = await RawSocket.connect({ port: server.port, ca: readFileSync(files.ca, 'utf8') })
    const works = async () => {
      await running.request('GET /v2/')
      assert.equal((await running.answer()).status, 200)
    }
    await works()
    assert.doesNotMatch(await shown(server), /second/)

    replace(files.key, readFileSync(second.key, 'utf8'))
    await server.process.output(/the new certificate is not used, the old one stays/)
    assert.doesNotMatch(await shown(server), /second/)
    await works()

    replace(files.certificate, readFileSync(second.certificate, 'utf8'))
    await server.process.output(/the certificate was read anew/)
    assert.match(await shown(server), /second\.test/)
    await works()

    rmSync(files.key)
    await server.process.output(/the old one stays: http\.tls\.key cannot be read/)
    assert.match(await shown(server), /second\.test/)
    await works()
  })

  test('that cannot be read refuses the start, and names the file and what to do', async () => {
    const certificate = await issueCertificate()
    const missing = { ...certificate, key: '/etc/letsencrypt/live/none/privkey.pem' }
    await assert.rejects(
      startServer({ tls: missing }),
      /http\.tls\.key cannot be read.*live\/none\/privkey\.pem.*not there.*mounted/s,
    )
  })
})

suite('the configuration, at SIGHUP', () => {
  /** Writes the configuration with changes over it, as an operator would, and signals. */
  function change({ configFile, process }: Server, edit: (text: string) => string): void {
    replace(configFile, edit(readFileSync(configFile, 'utf8')))
    process.signal('SIGHUP')
  }

  const setLevel = (level: string) => (text: string) => text.replace(/"level": "\w+"/, `"level": "${level}"`)

  test('the level of the log is taken at once; what else has changed is named as waiting for a restart', async () => {
    await using server = await startServer()
    change(server, (text) => setLevel('warn')(text).replace('"enabled": true', '"enabled": false'))
    const [line] = await server.process.output(/^.*a restart is needed.*$/m)
    assert.match(line, /storage\.delete\.enabled/)
    assert.doesNotMatch(line, /log\.level/)
    assert.ok(!server.log.some(({ msg }) => msg?.startsWith('the configuration was read anew')))
    change(server, setLevel('debug'))
    await server.process.output(/the configuration was read anew/)
  })

  test('headers are taken at once, and those that went are gone', async () => {
    await using server = await startServer()
    const client = await server.client()
    const header = async () => (await client.request('GET', '/v2/')).headers['x-lab']
    assert.equal(await header(), undefined)
    change(server, (text) => text.replace('"http": {', '"http": { "headers": { "X-Lab": ["one"] },'))
    await server.process.output(/the configuration was read anew/)
    assert.equal(await header(), 'one')
    change(server, (text) =>
      setLevel('warn')(text).replace('"X-Lab": ["one"]', '').replace('"enabled": true', '"enabled": false'),
    )
    await server.process.output(/a restart is needed/)
    assert.equal(await header(), undefined)
  })

  test('a configuration with faults changes nothing, and each is told', async () => {
    await using server = await startServer()
    change(server, (text) => text.replace('"level"', '"levle"'))
    await server.process.output(/the configuration is not taken, the old one stays.*levle/)
    assert.equal((await (await server.client()).request('GET', '/v2/')).status, 200)
    change(server, (text) => text.replace('"levle"', '"level"'))
    await server.process.output(/the configuration was read anew/)
  })

  test('where the server ran on a terminal that is gone, the signal ends it', needs('script'), async () => {
    await using folder = await temporaryFolder()
    const storage = { filesystem: { rootdirectory: folder.at('data') } }
    writeFileSync(folder.at('config.yml'), JSON.stringify({ version: 0.1, storage, http: { addr: '127.0.0.1:0' } }))
    const command = `exec ${LAUNCHER} serve ${folder.at('config.yml')}`
    await using terminal = start(program('script'), ['-qec', command, '/dev/null'], { interactive: true })
    await terminal.output(/listening on/)
    const [pid = 0] = readFileSync(`/proc/${terminal.pid}/task/${terminal.pid}/children`, 'utf8').split(' ').map(Number)
    terminal.signal('SIGKILL')
    const alive = () => existsSync(`/proc/${pid}`)
    try {
      for (let waited = 0; alive() && waited < 10_000; waited += 50) await pause(50)
      assert.ok(!alive(), 'it lives on without a terminal')
    } finally {
      if (alive()) process.kill(pid, 'SIGKILL')
    }
  })

  test('a hundred signals hurt nobody (D-25)', async () => {
    await using server = await startServer()
    using running = await RawSocket.connect({ port: server.port })
    for (let sent = 0; sent < 100; sent += 1) {
      server.process.signal('SIGHUP')
      await running.request('GET /v2/')
      assert.equal((await running.answer()).status, 200)
    }
    assert.equal((await server.stop()).code, 0)
  })
})
