import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { CAUSES } from '../../src/upstream/upstream.ts'
import { homeport } from '../helpers/homeport-command.ts'
import { freePort } from '../helpers/listening.ts'
import { NAMING_PROGRAMS, type NamedHosts, nameHosts } from '../helpers/named-hosts.ts'
import { needs } from '../helpers/programs.ts'
import { type Answer, RegistryClient } from '../helpers/registry-client.ts'
import { type LogLine, type Server, startServer } from '../helpers/server.ts'
import { errorOf } from './cache-scene.ts'
import { type Scene, type Stage, setStage } from './causes-scenes.ts'

/** What everybody was told of a scene. */
interface Told {
  readonly answer: Answer
  readonly id: string
  readonly log: readonly LogLine[]
  readonly metrics: readonly string[]
  /** Of `homeport why REQUEST --json`, after a kill. */
  readonly rows: readonly Record<string, unknown>[]
}

const SECRETS = /s3cret-of-the-proxy|wrong-password-of-the-upstream/

/** Each row of the eleven causes is one upstream of one Homeport, asked once; then it is killed and started, and `why` is asked. */
suite('the eleven causes', needs(...NAMING_PROGRAMS, 'openssl'), () => {
  let stage: Stage
  let names: NamedHosts
  let server: Server
  const told = new Map<Scene, Told>()

  before(async () => {
    stage = await setStage()
    names = await nameHosts(stage.names)
    const debug = await freePort()
    server = await startServer({
      launcher: names.launcher,
      http: { debug: { addr: `127.0.0.1:${debug}`, prometheus: { enabled: true } } },
      config: { upstreams: Object.fromEntries(stage.scenes.map(({ upstream, settings }) => [upstream, settings])) },
    })
    using client = await server.client()
    const asked = stage.scenes.map(async (scene) => {
      const answer = await client.request('GET', `/v2/${scene.upstream}/library/a/manifests/1`)
      return { scene, answer, id: /\(request (\w+)\)/.exec(answer.text)?.[1] ?? '' }
    })
    const answers = await Promise.all(asked)
    using watcher = new RegistryClient(`http://127.0.0.1:${debug}`)
    const metrics = (await watcher.request('GET', '/metrics')).text.split('\n')
    // Rows without a sync are written within the second.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const log = server.log
    await server.kill()
    await server.start()
    const waiting = [...answers]
    const ask = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const { scene, answer, id } = next
        const { stdout } = await homeport('why', id, '--json', '--config', server.configFile)
        const lines = stdout.split('\n').slice(0, -1)
        told.set(scene, {
          ...{ answer, id },
          log: log.filter((line) => line['http.request.id'] === id && line['homeport.cause'] !== undefined),
          metrics: metrics.filter((line) => line.includes(`upstream="${scene.upstream}"`)),
          rows: lines.map((line) => JSON.parse(line)),
        })
      }
    }
    await Promise.all([ask(), ask(), ask()])
  })

  after(async () => {
    await server?.[Symbol.asyncDispose]()
    await names?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  test('are all met, directly and through a proxy', () => {
    for (const way of ['direct', 'proxy'] as const) {
      const met = new Set(stage.scenes.filter((scene) => scene.way === way).map(({ cause }) => cause))
      // Directly there is no proxy that could refuse.
      const possible = CAUSES.filter((cause) => way === 'proxy' || cause !== 'proxy-refused')
      assert.deepEqual([...met].sort(), [...possible].sort())
    }
  })

  test('are told in the body of the answer, with status, hop, route and a sentence', () => each(told, body))
  test('are one line of the log', () => each(told, logLine))
  test('are labels of metrics', () => each(told, metric))
  test('are durable records, one an upstream, route and cause', () => each(told, record))
  test('are told by `homeport why` after a kill, with a remedy', () => each(told, whyTold))

  test('reach nobody by another way than the one that is configured', () => {
    const direct = stage.scenes.filter(({ way }) => way === 'proxy').map(({ upstream }) => upstream)
    assert.deepEqual(
      names.dns.questions.filter(({ name }) => direct.includes(name)),
      [],
    )
  })

  test('hold no password, anywhere', () => {
    for (const { answer, log, metrics, rows } of told.values()) {
      assert.doesNotMatch([answer.text, JSON.stringify(log), ...metrics, JSON.stringify(rows)].join('\n'), SECRETS)
    }
    assert.doesNotMatch(server.process.stderr + server.process.stdout, SECRETS)
  })
})

function each(told: ReadonlyMap<Scene, Told>, check: (scene: Scene, told: Told) => void): void {
  assert.ok(told.size >= 22)
  const wrong = [...told].flatMap(([scene, what]) => {
    try {
      check(scene, what)
      return []
    } catch (error) {
      return [`${scene.cause} ${scene.upstream}: ${(error as Error).message}`]
    }
  })
  assert.equal(wrong.join('\n\n'), '')
}

function body({ cause, upstream, hop, status, code, answered, facts = {} }: Scene, { answer }: Told): void {
  assert.equal(answer.status, status, answer.text)
  const error = errorOf(answer)
  const { detail, message } = error
  assert.deepEqual(
    {
      code: error.code,
      cause: detail['cause'],
      hop: detail['hop'],
      upstream: detail['upstream'],
      status: detail['status'],
    },
    { code, cause, hop, upstream, status: answered },
    answer.text,
  )
  assert.equal(typeof detail['route'], 'string')
  for (const [name, value] of Object.entries(facts)) assert.equal(detail[name], value, `${name} in ${answer.text}`)
  assert.ok(message.includes(upstream) || cause === 'not-found', message)
  assert.doesNotMatch(answer.text, /<html|<h1|<script/i)
  assert.equal(answer.headers['www-authenticate'], undefined)
  if (status === 429) assert.ok(Number(answer.headers['retry-after']) > 0)
}

function logLine({ cause, upstream, hop, answered }: Scene, { log }: Told): void {
  assert.equal(log.length, 1, JSON.stringify(log))
  const [line = {}] = log
  const told = ['cause', 'upstream', 'hop', 'status'].map((name) => line[`homeport.${name}`])
  assert.deepEqual(told, [cause, upstream, hop, answered])
}

function metric({ cause, hop }: Scene, { metrics }: Told): void {
  const lines = metrics.filter((line) => line.startsWith('homeport_upstream_failures_total{'))
  assert.equal(lines.length, 1, metrics.join('\n'))
  assert.match(lines[0] ?? '', new RegExp(`hop="${hop}".*cause="${cause}".* 1$`))
}

function record({ cause, upstream, hop }: Scene, { rows, id }: Told): void {
  const standing = rows.filter(({ what }) => what === 'failing')
  // What it says of one image is no failure of the upstream's: the request's row is all.
  const expected = cause === 'not-found' || cause === 'denied' ? [] : [[upstream, cause, hop, id]]
  assert.deepEqual(
    standing.map((row) => [row['upstream'], row['cause'], row['hop'], row['request']]),
    expected,
  )
}

function whyTold({ cause, upstream, hop, answered }: Scene, { rows, id, answer }: Told): void {
  const request = rows.find(({ what }) => what === 'request') ?? {}
  const told = ['request', 'cause', 'hop', 'status', 'name', 'bytes', 'resumes'].map((name) => request[name])
  assert.deepEqual(told, [id, cause, hop, answered, `${upstream}/library/a:1`, 0, 0])
  assert.equal(request['route'], errorOf(answer).detail['route'])
  assert.match(String(request['remedy']), /\S/)
  assert.ok(errorOf(answer).message.includes(String(request['message'])), String(request['message']))
  // An upstream that hangs is waited for longer than the client waits.
  const { attempts, ms } = request
  assert.ok(Array.isArray(attempts) && (attempts.length > 0 || (cause === 'timeout' && hop === 'manifest')))
  assert.equal(typeof (ms as { total: unknown }).total, 'number')
}
