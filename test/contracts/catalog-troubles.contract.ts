import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Catalog, FailureRecord, Trace } from '../../src/catalog/catalog.ts'

const FAILURE: FailureRecord = {
  ...{ upstream: 'docker.io', route: 'http://proxy.lan:8080', cause: 'proxy-refused' },
  ...{ firstAt: 5, lastAt: 5, count: 1, since: 5, signs: 1, facts: '{"status":407}' },
}

/** The part of the contract of a `Catalog` that is about what went wrong with upstreams. */
export function troublesContract(name: string, open: () => Promise<Catalog>): void {
  describe(`${name} keeps the Catalog contract: what went wrong`, () => {
    it('keeps one row for each cause by each route of each upstream, in their order', async () => {
      await using catalog = await open()
      const others = [
        { ...FAILURE, upstream: 'ghcr.io' },
        { ...FAILURE, cause: 'timeout', endedAt: 9 },
        { ...FAILURE, route: 'direct', request: 'a1' },
      ]
      await catalog.write('noteTroubles', { failures: [...others, FAILURE], traces: [] })
      assert.deepEqual(await catalog.failures(), [others[2], FAILURE, others[1], others[0]])
    })

    it('puts what is noted later in its place, but for its first sign, and the last request while none is told', async () => {
      await using catalog = await open()
      await catalog.write('noteTroubles', { failures: [{ ...FAILURE, request: 'a1', endedAt: 6 }], traces: [] })
      const later = { ...FAILURE, firstAt: 7, lastAt: 8, count: 3, since: 7, signs: 2, facts: '{"status":502}' }
      await catalog.write('noteTroubles', { failures: [later], traces: [] })
      assert.deepEqual(await catalog.failures(), [{ ...later, firstAt: 5, request: 'a1' }])
    })

    it('gives traces back as they were noted, the newest first', async () => {
      await using catalog = await open()
      const failed = traceOf({ cause: 'timeout', hop: 'tls', route: 'direct', status: 504 })
      const slowed = traceOf({ request: 'a2', headerMs: 7 })
      await catalog.write('noteTroubles', { failures: [], traces: [failed] })
      await catalog.write('noteTroubles', { failures: [], traces: [slowed] })
      assert.deepEqual(await catalog.traces({}, 9), [slowed, failed])
      assert.deepEqual(await catalog.traces({}, 1), [slowed])
    })

    it('finds traces by the beginning of a request id, the end of a repository at a slash, and a reference', async () => {
      await using catalog = await open()
      const traces = [
        traceOf({ request: 'abc1', repository: 'docker.io/library/alpine', reference: '3' }),
        traceOf({ request: 'abd1', repository: 'docker.io/library/alpine', reference: '2' }),
        traceOf({ request: 'b1', repository: 'ghcr.io/notalpine', reference: '3' }),
      ]
      await catalog.write('noteTroubles', { failures: [], traces })
      const found = async (of: Parameters<Catalog['traces']>[0]) => {
        return (await catalog.traces(of, 9)).map(({ request }) => request)
      }
      assert.deepEqual(await found({ request: 'ab' }), ['abd1', 'abc1'])
      assert.deepEqual(await found({ request: 'abc1' }), ['abc1'])
      assert.deepEqual(await found({ request: 'a_c1' }), [])
      assert.deepEqual(await found({ repository: 'alpine' }), ['abd1', 'abc1'])
      assert.deepEqual(await found({ repository: 'library/alpine', reference: '3' }), ['abc1'])
      assert.deepEqual(await found({ repository: 'docker.io/library/alpine' }), ['abd1', 'abc1'])
      assert.deepEqual(await found({ reference: '3' }), ['b1', 'abc1'])
    })

    it('keeps the newest thousand traces', async () => {
      await using catalog = await open()
      for (let batch = 0; batch < 3; batch += 1) {
        const traces = Array.from({ length: 400 }, (_, index) => traceOf({ request: `r${batch * 400 + index}` }))
        await catalog.write('noteTroubles', { failures: [], traces })
      }
      const kept = await catalog.traces({}, 5_000)
      assert.equal(kept.length, 1_000)
      assert.deepEqual([kept[0]?.request, kept.at(-1)?.request], ['r1199', 'r200'])
    })
  })
}

function traceOf(of: Partial<Trace>): Trace {
  return {
    ...{ request: 'a1', at: 5, client: '127.0.0.1', upstream: 'docker.io', kind: 'manifest' },
    ...{ repository: 'docker.io/library/alpine', reference: '3', outcome: 'failed', bytes: 0, resumes: 0 },
    ...{ totalMs: 9, facts: 'null', attempts: '[]', ...of },
  }
}
