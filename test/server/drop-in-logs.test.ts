import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { before, describe, test } from 'node:test'
import { makeImage } from '../helpers/images.ts'
import { type RunningProcess, run, start } from '../helpers/processes.ts'
import { needs, program } from '../helpers/programs.ts'
import { RegistryClient } from '../helpers/registry-client.ts'
import { startServer } from '../helpers/server.ts'
import { writeDirectory } from '../helpers/skopeo-directory.ts'
import { type TemporaryFolder, temporaryFolder } from '../helpers/temporary.ts'
import { rowsOf } from './drop-in/differences.ts'

/** What was seen of a registry: `metric registry_http_requests_total{code,handler,method}`, `field http.request.id`. */
type Seen = ReadonlySet<string>

/** As a Prometheus and a log collector of registry:2 were set up. */
const LOG = { level: 'debug', formatter: 'json', fields: { service: 'registry', environment: 'production' } }

async function freePort(): Promise<number> {
  await using server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as { port: number }).port
}

/** Pushes, lists, pulls and deletes, and asks for what is not there. */
async function runSkopeo(host: string, folder: TemporaryFolder, name: string): Promise<void> {
  const skopeo = (...args: readonly string[]) => run(program('skopeo'), args)
  const remote = `docker://${host}/team/app:1.0`
  await writeDirectory(folder.at(name), makeImage('seen', { format: 'docker' }))
  await skopeo('copy', '--dest-tls-verify=false', `dir:${folder.at(name)}`, remote)
  await skopeo('list-tags', '--tls-verify=false', `docker://${host}/team/app`)
  await skopeo('copy', '--src-tls-verify=false', remote, `dir:${folder.at(`${name}-back`)}`)
  await skopeo('delete', '--tls-verify=false', remote)
  await assert.rejects(skopeo('inspect', '--tls-verify=false', remote), /manifest unknown/)
}

/** Names of metrics with those of their labels, and the values of labels that count requests or what storage does. */
function seenInMetrics(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [, name = '', labels = ''] = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/.exec(line) ?? []
    if (name === '') return []
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].filter(([, label]) => label !== 'le')
    const values = name.startsWith('registry_') ? pairs.map(([, label, value]) => `label ${label}=${value}`) : []
    return [`metric ${name}{${pairs.map(([, label = '']) => label).toSorted((a, b) => a.localeCompare(b))}}`, ...values]
  })
}

function seenInLog(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .flatMap((line) => Object.keys(JSON.parse(line)).map((name) => `field ${name}`))
}

async function lookAt(
  { host, debugPort, process }: { host: string; debugPort: number; process: RunningProcess },
  folder: TemporaryFolder,
  name: string,
) {
  await runSkopeo(host, folder, name)
  using debug = new RegistryClient(`http://127.0.0.1:${debugPort}`)
  const { text } = await debug.request('GET', '/metrics')
  const health = await debug.request('GET', '/debug/health')
  process.signal('SIGTERM')
  const { stderr } = await process.ended
  return { seen: new Set([...seenInMetrics(text), ...seenInLog(stderr)]) as Seen, health: [health.status, health.text] }
}

describe('one run of skopeo', needs('docker-registry', 'skopeo'), () => {
  let there: Awaited<ReturnType<typeof lookAt>>
  let here: typeof there
  const rows = rowsOf('docs/differences.md', '## Logs and metrics')

  before(async () => {
    await using folder = await temporaryFolder()
    const [port, ownPort] = [await freePort(), await freePort()]
    const http = (debugPort: number) => ({
      addr: '127.0.0.1:0',
      debug: { addr: `127.0.0.1:${debugPort}`, prometheus: { enabled: true, path: '/metrics' } },
    })
    const storage = {
      filesystem: { rootdirectory: folder.at('data') },
      delete: { enabled: true },
      cache: { blobdescriptor: 'inmemory' },
    }
    await writeFile(folder.at('config.yml'), JSON.stringify({ version: 0.1, log: LOG, storage, http: http(port) }))
    await using registry2 = start(program('docker-registry'), ['serve', folder.at('config.yml')])
    const [, host = ''] = await registry2.output(/listening on (127[\d.]+:\d+)"/)
    there = await lookAt({ host, debugPort: port, process: registry2 }, folder, 'there')
    await using server = await startServer({ config: { log: LOG, http: http(ownPort) } })
    here = await lookAt(
      { host: `127.0.0.1:${server.port}`, debugPort: ownPort, process: server.process },
      folder,
      'here',
    )
    if (process.env['SHOW_DIFFERENCES'])
      console.log(
        differences()
          .map(({ kind, name, where }) => `${where} ${kind} ${name}`)
          .join('\n'),
      )
  })

  /** `metric go_threads{} | there`, and so on. */
  function differences(): { kind: string; name: string; where: 'registry:2' | 'Homeport' }[] {
    const onlyIn = (a: Seen, b: Seen, where: 'registry:2' | 'Homeport') =>
      [...a.difference(b)].map((text) => {
        const [kind = '', ...name] = text.split(' ')
        return { kind, name: name.join(' '), where }
      })
    return [...onlyIn(there.seen, here.seen, 'registry:2'), ...onlyIn(here.seen, there.seen, 'Homeport')]
  }

  const matches = (patterns: readonly RegExp[], text: string) => patterns.some((pattern) => pattern.test(text))
  const isAbsent = (patterns: readonly RegExp[]) => matches(patterns, '–') && !matches(patterns, 'anything')
  const explains = (row: (typeof rows)[number], { kind, name, where }: ReturnType<typeof differences>[number]) =>
    matches(row.requests, kind) &&
    matches(row.what, name) &&
    isAbsent(where === 'registry:2' ? row.homeport : row.registry2)

  test('shows what is the same', () => {
    for (const name of [
      'registry_http_requests_total{code,handler,method}',
      'registry_http_in_flight_requests{handler}',
      'registry_storage_action_seconds{action,driver}',
    ]) {
      assert.ok(here.seen.has(`metric ${name}`) && there.seen.has(`metric ${name}`), name)
    }
    for (const name of [
      'http.request.id',
      'http.response.written',
      'vars.name',
      'err.code',
      'instance.id',
      'service',
    ]) {
      assert.ok(here.seen.has(`field ${name}`) && there.seen.has(`field ${name}`), name)
    }
    assert.deepEqual(here.health, there.health)
  })

  test('shows the metrics and the fields of the log that registry:2 has, but for what docs/differences.md gives a reason for', () => {
    assert.deepEqual(
      differences().filter((difference) => !rows.some((row) => explains(row, difference))),
      [],
    )
  })

  test('bears every row of docs/differences.md out', () => {
    const stale = rows.filter((row) => !differences().some((difference) => explains(row, difference)))
    assert.deepEqual(
      stale.map(({ text }) => text),
      [],
    )
  })
})
