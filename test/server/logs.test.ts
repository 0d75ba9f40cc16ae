import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { makeImage } from '../helpers/images.ts'
import { RunningProcess, start } from '../helpers/processes.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { RegistryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'

const USERS = { ann: 'ann-password' }
/** As the runbook has them. */
const FIELDS = { service: 'registry', environment: 'production' }

/** Pushes, pulls, mistakes of clients, a request that is none, and a fault of ours. Resolves to how many requests it sent. */
async function use(server: Server): Promise<number> {
  using ann = await server.client({ user: 'ann', password: USERS.ann })
  using stranger = await server.client({ user: 'ann', password: 'wrong' })
  const image = makeImage('logs')
  await ann.pushImage('team/app', image, '1.0')
  let sent = 2 * image.blobs.size + 1
  for (const [client, method, path] of [
    [ann, 'GET', '/v2/team/app/manifests/1.0'],
    [ann, 'GET', '/v2/team/app/tags/list'],
    [ann, 'GET', '/v2/team/app/manifests/none'],
    [ann, 'PUT', '/v2/team/app/manifests/bad'],
    [ann, 'GET', '/nowhere "quoted"\\'.replaceAll(' ', '%20')],
    [stranger, 'GET', '/v2/'],
  ] as const) {
    await client.request(method, path)
    sent += 1
  }
  using socket = await RawSocket.connect({ port: server.port })
  await socket.write('NONSENSE\r\n\r\n')
  assert.equal((await socket.answer()).status, 400)
  // Where uploads lie, there is no folder any more.
  const uploads = join(server.data, 'homeport/uploads')
  await rm(uploads, { recursive: true, force: true })
  await writeFile(uploads, '')
  assert.equal((await ann.request('POST', '/v2/team/app/blobs/uploads/')).status, 500)
  return sent + 1
}

function linesOf(text: string): string[] {
  assert.ok(text === '' || text.endsWith('\n'), 'the last line is not whole')
  return text.split('\n').slice(0, -1)
}

type Line = Readonly<Record<string, unknown>>

function objectsOf(text: string): Line[] {
  return linesOf(text).map((line) => JSON.parse(line))
}

describe('with objects a line', () => {
  for (const [formatter, message, time] of [
    ['json', 'msg', 'time'],
    ['logstash', 'message', '@timestamp'],
  ] as const) {
    test(`${formatter}: every line of stdout and stderr is one, with the fields that are configured`, async () => {
      await using server = await startServer({
        users: USERS,
        config: { log: { level: 'debug', formatter, fields: FIELDS } },
      })
      const sent = await use(server)
      const { stdout, stderr, code } = await server.stop()
      assert.equal(code, 0)
      const [log, access] = [objectsOf(stderr), objectsOf(stdout)]
      for (const line of [...log, ...access]) {
        for (const name of [message, time, 'level']) assert.equal(typeof line[name], 'string', JSON.stringify(line))
        assert.deepEqual({ service: line['service'], environment: line['environment'] }, FIELDS)
      }
      assert.equal(access.length, sent)
      const ids = new Set(access.map((line) => line['http.request.id']))
      assert.equal(ids.size, sent, 'each request has an id of its own')
      const completed = log.filter((line) => String(line[message]).startsWith('response completed'))
      // What was no request has a line and an id, and no place in the access log.
      assert.equal(completed.length, sent + 1)
      for (const line of completed) assert.match(String(line['http.request.id']), /^[0-9a-f]{16}$/)
      const faults = log.filter((line) => line['level'] === 'error')
      assert.deepEqual(
        faults.map((line) => [line[message], line['vars.name'], line['http.response.status']]),
        [['response completed with error', 'team/app', 500]],
      )
      assert.match(String(faults[0]?.['stack']), /ENOTDIR|EEXIST/)
      assert.equal(log.at(-1)?.[message], 'ending')
    })
  }

  test('what keeps the server from starting is a line too', async () => {
    await using taken = createServer()
    await once(taken.listen(0, '127.0.0.1'), 'listening')
    const { port } = taken.address() as { port: number }
    const http = { addr: `127.0.0.1:${port}` }
    await assert.rejects(startServer({ config: { http } }), (error: Error) => {
      const text = error.message.slice(error.message.indexOf('{'))
      const line = objectsOf(`${text.trimEnd()}\n`).at(-1)
      assert.equal(line?.['level'], 'error')
      assert.match(String(line?.['msg']), /^Cannot listen on .*: another program does$/)
      assert.match(String(line?.['hint']), /set http\.addr/)
      return true
    })
  })

  test('so are the warnings of Node.js, and the last words before a crash', async () => {
    const crash = `process.emitWarning('mind this'); process.on('SIGUSR2', () => { throw new Error('out of the blue') })`
    await using server = await startServer({
      // The thread that writes has no crash of its own.
      env: {
        NODE_OPTIONS: `--import="data:text/javascript,import{isMainThread}from'node:worker_threads';if(isMainThread){${encodeURIComponent(crash)}}"`,
      },
    })
    using client = await server.client()
    await client.request('GET', '/v2/')
    server.process.signal('SIGUSR2')
    const { stdout, stderr, code } = await server.process.ended
    assert.equal(code, 1)
    assert.equal(objectsOf(stdout).length, 1)
    const log = objectsOf(stderr)
    assert.ok(log.some(({ error }) => /mind this/.test(String(error))))
    const last = log.at(-1)
    assert.deepEqual([last?.['level'], last?.['error']], ['error', 'Error: out of the blue'])
  })
})

describe('as text', () => {
  test("the access log is Apache's combined, and the log is logfmt", async () => {
    await using server = await startServer({
      users: USERS,
      config: { log: { level: 'info', formatter: 'text', fields: FIELDS } },
    })
    const sent = await use(server)
    const { stdout, stderr } = await server.stop()
    const combined =
      /^127\.0\.0\.1 - (-|ann) \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "[A-Z]+ (?:[^"\\]|\\.)* HTTP\/1\.1" \d{3} \d+ "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"$/
    const access = linesOf(stdout)
    assert.equal(access.length, sent)
    for (const line of access) assert.match(line, combined)
    const logfmt =
      /^time="[^"]+" level=(info|warning|error) msg=("(?:[^"\\]|\\.)*"|[\w\-./@^+]*)( [\w.]+=("(?:[^"\\]|\\.)*"|[\w\-./@^+]*))*$/
    for (const line of linesOf(stderr)) {
      assert.match(line, logfmt)
      assert.match(line, / service=registry environment=production/)
    }
  })

  test('log.accesslog.disabled leaves stdout empty', async () => {
    await using server = await startServer({ config: { log: { accesslog: { disabled: true } } } })
    using client = await server.client()
    await client.request('GET', '/v2/')
    assert.equal((await server.stop()).stdout, '')
  })
})

/** A server whose stdout the test holds, and may not read. */
async function withStdout(
  use: (child: ReturnType<typeof spawn>, client: RegistryClient, log: RunningProcess) => Promise<void>,
) {
  await using made = await startServer()
  await made.stop()
  const launcher = join(import.meta.dirname, '../../homeport')
  const child = spawn(launcher, ['serve', made.configFile], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const { stdout } = child
  // Nobody reads it: the helper is given the rest.
  await using running = new RunningProcess(Object.assign(Object.create(child), { stdout: null }), 'homeport serve')
  const [, address = ''] = await running.output(/"listening on ([^"]+)"/)
  using client = new RegistryClient(`http://${address}`)
  await use(child, client, running)
  stdout.destroy()
}

describe('whoever does not read stdout', () => {
  test('and is gone does not end the server', async () => {
    await withStdout(async (child, client, running) => {
      child.stdout?.destroy()
      for (let count = 0; count < 3; count += 1) {
        assert.equal((await client.request('GET', '/v2/')).status, 200)
        // Each line is on its way by itself.
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      running.signal('SIGTERM')
      assert.equal((await running.ended).code, 0)
    })
  })

  test('and stays does not stop the server, nor its end', async () => {
    await withStdout(async (_, client, running) => {
      const headers = { 'user-agent': 'x'.repeat(2000) }
      // More than pipes take on both sides.
      for (let count = 0; count < 200; count += 1) {
        assert.equal((await client.request('GET', '/v2/', { headers })).status, 200)
      }
      running.signal('SIGTERM')
      assert.equal((await running.ended).code, 0)
    })
  })
})

test('a log on a full disk does not end the server', async () => {
  await using made = await startServer()
  await made.stop()
  const launcher = join(import.meta.dirname, '../../homeport')
  await using server = start('/bin/sh', ['-c', `exec "${launcher}" serve "${made.configFile}" >/dev/full`])
  const [, address = ''] = await server.output(/"listening on ([^"]+)"/)
  using client = new RegistryClient(`http://${address}`)
  for (let count = 0; count < 3; count += 1) {
    assert.equal((await client.request('GET', '/v2/')).status, 200)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  server.signal('SIGTERM')
  assert.equal((await server.ended).code, 0)
})
