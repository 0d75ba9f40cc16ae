import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginUpload } from '../../../src/http/distribution/uploads.ts'
import { parseQuery } from '../../../src/http/query.ts'
import type { Uploads } from '../../../src/registry/registry.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { ANYONE } from '../../helpers/test-rules.ts'

test('a blob in one request that does not come whole leaves no session behind: nobody knows its id', async () => {
  const calls: string[] = []
  const uploads: Pick<Uploads, 'begin' | 'finish' | 'cancel'> = {
    async begin() {
      calls.push('begin')
      return { id: 'only', received: 0 }
    },
    async finish(_key, _digest, { body }) {
      for await (const chunk of body) calls.push(Buffer.from(chunk).toString())
    },
    async cancel({ id }) {
      calls.push(`cancel ${id}`)
    },
  }
  const handler = beginUpload({ uploads: uploads as Uploads })
  const body = (async function* () {
    yield Buffer.from('hel')
    throw new Error('the client left')
  })()
  const request = {
    ...{
      id: '1',
      method: 'POST',
      params: { name: 'app' },
      repository: 'app',
      unclaimed: false,
      query: parseQuery(`digest=${digestOf('hello')}`),
    },
    ...{ headers: {}, peer: '', body, caller: ANYONE, signal: new AbortController().signal },
  }
  await assert.rejects(async () => handler(request), /the client left/)
  assert.deepEqual(calls, ['begin', 'hel', 'cancel only'])
})
