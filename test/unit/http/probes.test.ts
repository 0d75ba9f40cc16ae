import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHandler } from '../../../src/http/dispatch.ts'
import { debugRoutes, probes, type Stage } from '../../../src/http/probes.ts'
import type { Route } from '../../../src/http/route.ts'
import { HealthBoard } from '../../../src/ops/health.ts'
import { requestEnd } from '../../helpers/request-end.ts'

const signIn = { required: true, challenge: '', callerFor: async () => undefined }

/** What is answered to somebody who has not signed in. */
function asker(routes: readonly Route[]) {
  const answer = createHandler({ routes, signIn })
  return async (asked: string) => {
    const [method = '', target = ''] = asked.split(' ')
    const { reply } = await answer(requestEnd({ method, target }).arrival)
    return [reply.status, reply.body === undefined ? undefined : JSON.parse(reply.body as string)]
  }
}

describe('probes', () => {
  const full = { message: 'the disk is full', full: true }
  const gone = { message: 'the folder cannot be read' }

  function checked() {
    const health = new HealthBoard()
    const reads = health.add({ name: 'reads', stops: 'all', threshold: 1, interval: 1000, storage: true })
    const writes = health.add({ name: 'writes', stops: 'writes', threshold: 1, interval: 1000, storage: true })
    const peer = health.add({ name: 'http://10.0.0.1/inner', stops: 'all', threshold: 1, interval: 1000 })
    return { health, reads, writes, peer }
  }

  // biome-ignore format: one state a line
  const states: readonly (readonly [name: string, stage: Stage, set: (board: ReturnType<typeof checked>) => void, status: number, body: object])[] = [
    ['a server that opens its folder', 'adopting', () => {}, 503, { status: 'adopting' }],
    ['one that serves', 'serving', () => {}, 200, { status: 'ready' }],
    ['one that ends', 'draining', () => {}, 503, { status: 'draining' }],
    ['one that cannot write', 'serving', ({ writes }) => writes(full), 200, { status: 'degraded', because: 'the disk is full' }],
    ['one that cannot read', 'serving', ({ reads, writes }) => { reads(gone); writes(full) }, 503, { status: 'unavailable', because: 'the folder cannot be read' }],
    ['one whose other check fails', 'serving', ({ peer }) => peer({ message: 'refused' }), 503, { status: 'unavailable', because: 'a health check fails, and /debug/health says which' }],
  ]

  for (const [name, stage, set, status, body] of states) {
    test(`${name} is alive, and ready is ${status}`, async () => {
      const all = checked()
      set(all)
      const ask = asker(probes({ stage: () => stage, health: () => all.health, failing: () => [] }))
      assert.deepEqual(await ask('GET /readyz'), [status, body])
      assert.deepEqual(await ask('HEAD /readyz'), [status, undefined])
      assert.deepEqual(await ask('GET /healthz'), [200, { status: 'alive' }])
    })
  }

  test('a server whose upstreams fail is as ready as without, and names them; one that cannot read says that alone', async () => {
    const { health, reads } = checked()
    const upstreams = [{ name: 'docker.io', cause: 'timeout', since: '2026-01-02T03:04:05.000Z' }]
    const ask = asker(probes({ stage: () => 'serving', health: () => health, failing: () => upstreams }))
    assert.deepEqual(await ask('GET /readyz'), [200, { status: 'ready', upstreams }])
    reads(gone)
    assert.deepEqual(await ask('GET /readyz'), [503, { status: 'unavailable', because: gone.message }])
  })
})

describe('the debug listener', () => {
  function debugged() {
    const health = new HealthBoard()
    const disk = health.add({ name: 'disk', stops: 'writes', threshold: 1, interval: 1000 })
    const manual = health.add({ name: 'manual', stops: 'all', threshold: 1, interval: 1000 })
    const setManually = (down: boolean) => manual(down ? { message: 'Manual Check' } : undefined)
    const ask = asker(debugRoutes({ health, setManually }))
    return { ask, disk }
  }

  test('says that nothing fails, or what does', async () => {
    const { ask, disk } = debugged()
    assert.deepEqual(await ask('GET /debug/health'), [200, {}])
    disk({ message: 'is full' })
    assert.deepEqual(await ask('GET /debug/health'), [503, { disk: 'is full' }])
  })

  test('takes the server down and up by hand', async () => {
    const { ask } = debugged()
    assert.equal((await ask('POST /debug/health/down'))[0], 200)
    assert.deepEqual(await ask('GET /debug/health'), [503, { manual: 'Manual Check' }])
    assert.equal((await ask('POST /debug/health/up'))[0], 200)
    assert.deepEqual(await ask('GET /debug/health'), [200, {}])
  })

  test('is taken down by POST alone, and has no metrics unless they are wanted', async () => {
    const { ask } = debugged()
    assert.equal((await ask('GET /debug/health/down'))[0], 405)
    assert.equal((await ask('GET /metrics'))[0], 404)
  })
})
