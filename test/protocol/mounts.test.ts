import assert from 'node:assert/strict'
import { digestOf } from '../helpers/digest-of.ts'
import { assertAnswer, script, table } from './case.ts'

const HELLO = digestOf('hello')
const SECRET = digestOf('secret')
const ABSENT = digestOf('absent')
const UPLOADS = '/v2/team/app/blobs/uploads/'

/** Everything in team/…, nothing in private/…. */
const users = { ann: (_action: string, repository: string) => repository.startsWith('team/') }

const mounted = {
  ...{ as: 'ann', status: 201 },
  has: { location: `/v2/team/app/blobs/${HELLO}`, 'docker-content-digest': HELLO, 'content-length': '0' },
}
/** As for a plain POST: the client goes on and sends the blob. */
const declined = {
  ...{ as: 'ann', status: 202, text: '' },
  has: { location: /^\/v2\/team\/app\/blobs\/uploads\/[\w-]+$/, range: '0-0', 'docker-content-digest': undefined },
}

// biome-ignore format: one case a line
table('mounts', {
  options: { users },
  async prepare({ rules }) {
    await rules.push('team/source', 'hello')
    await rules.push('private/source', 'secret')
  },
}, [
  { of: '52', name: 'from a repository that has it', send: `POST ${UPLOADS}?mount=${HELLO}&from=team/source`, ...mounted },
  { of: '52', name: 'from a repository with its slash encoded', send: `POST ${UPLOADS}?mount=${encodeURIComponent(HELLO)}&from=team%2Fsource`, ...mounted },
  { of: '52', name: 'with a body, which is not looked at', send: `POST ${UPLOADS}?mount=${HELLO}&from=team/source`, body: 'x', ...mounted },
  { of: '52', name: 'from nowhere in particular', send: `POST ${UPLOADS}?mount=${HELLO}`, ...mounted },
  { of: '52', name: 'what the source has not', send: `POST ${UPLOADS}?mount=${ABSENT}&from=team/source`, ...declined },
  { of: '52', name: 'from a repository that is not there', send: `POST ${UPLOADS}?mount=${HELLO}&from=team/nothing`, ...declined },
  { of: '52', name: 'from what can be no repository', send: `POST ${UPLOADS}?mount=${HELLO}&from=../etc`, ...declined },
  { of: '52', name: 'what nobody has', send: `POST ${UPLOADS}?mount=${ABSENT}`, ...declined },
  { of: '26', name: 'from a repository that the caller may not pull', send: `POST ${UPLOADS}?mount=${SECRET}&from=private/source`, ...declined },
  { of: '26', name: 'what is only where the caller may not pull', send: `POST ${UPLOADS}?mount=${SECRET}`, ...declined },
  { of: 'T28', name: 'a digest that is none', send: `POST ${UPLOADS}?mount=sha256:..&from=team/source`, as: 'ann', status: 400, code: 'DIGEST_INVALID' },
  { of: '26', name: 'to where the caller may not push', send: `POST /v2/private/app/blobs/uploads/?mount=${HELLO}&from=team/source`, as: 'ann', status: 403, code: 'DENIED' },
])

script('52', 'a declined mount goes on as an upload, or is cancelled', async ({ request }) => {
  const { headers } = await request(`POST ${UPLOADS}?mount=${HELLO}&from=team/nothing`)
  const { headers: second } = await request(`POST ${UPLOADS}?mount=${HELLO}`)
  const put = await request(`PUT ${headers['location']}?digest=${HELLO}`, { body: 'hello' })
  assert.equal(put.status, 201)
  assert.equal((await request(`DELETE ${second['location']}`)).status, 204)
})

script('52', 'a mounted blob is read and named by manifests, and outlives its source', async ({ request, rules }) => {
  await rules.push('team/source', 'hello')
  await request(`POST ${UPLOADS}?mount=${HELLO}&from=team/source`)
  await request(`DELETE /v2/team/source/blobs/${HELLO}`)
  assertAnswer(await request(`GET /v2/team/app/blobs/${HELLO}`), { status: 200, text: 'hello' })
})

script('52', 'a blob whose bytes are gone is not mounted', async ({ request, rules }) => {
  await rules.push('team/source', 'hello')
  await rules.parts.blobs.delete(HELLO)
  assert.equal((await request(`POST ${UPLOADS}?mount=${HELLO}&from=team/source`)).status, 202)
})
