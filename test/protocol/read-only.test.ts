import { makeImage } from '../helpers/images.ts'
import type { TestRegistry } from '../helpers/test-registry.ts'
import { table } from './case.ts'

const { manifest } = makeImage('kept')
const MANIFESTS = '/v2/team/app/manifests'
const UPLOADS = '/v2/team/app/blobs/uploads/'
const SESSION = `${UPLOADS}0a0a0a0a-0000-4000-8000-000000000000`
const READERS = { users: { ann: 'everything', bob: (action: string) => action === 'pull' } } as const

/** Past the door that is closed to everybody else. */
async function prepare({ rules }: TestRegistry): Promise<void> {
  await rules.push('team/app', 'a blob')
}

const refused = { status: 405, code: 'UNSUPPORTED', text: /read-only.*storage\.maintenance\.readonly/ }
const ann = { as: 'ann' }

// biome-ignore format: one case a line
table('read-only for maintenance', { options: { ...READERS, readOnly: true }, prepare }, [
  { of: '5.2', name: 'no upload is begun', send: `POST ${UPLOADS}`, ...ann, ...refused, has: { allow: '' } },
  { of: '5.2', name: 'no upload is gone on with', send: `PATCH ${SESSION}`, body: 'more', ...ann, ...refused, has: { allow: 'GET, HEAD' } },
  { of: '5.2', name: 'no upload is finished', send: `PUT ${SESSION}?digest=${manifest.digest}`, ...ann, ...refused },
  { of: '5.2', name: 'no upload is cancelled', send: `DELETE ${SESSION}`, ...ann, ...refused },
  { of: '5.2', name: 'no manifest is taken', send: `PUT ${MANIFESTS}/latest`, body: '{}', ...ann, ...refused, has: { allow: 'GET, HEAD' } },
  { of: '5.2', name: 'no manifest is deleted', send: `DELETE ${MANIFESTS}/${manifest.digest}`, ...ann, ...refused },
  { of: '5.2', name: 'no blob is deleted', send: `DELETE /v2/team/app/blobs/${manifest.digest}`, ...ann, ...refused },
  { of: '5.2', name: 'whoever has not signed in is asked to, and told nothing', send: `POST ${UPLOADS}`, status: 401, code: 'UNAUTHORIZED' },
  { of: '5.2', name: 'whoever may not push is told that', send: `POST ${UPLOADS}`, as: 'bob', status: 403, code: 'DENIED' },
  { of: '5.2', name: 'everything is read', send: 'GET /v2/team/app/tags/list', ...ann, status: 200, text: '{"name":"team/app","tags":[]}' },
  { of: '5.2', name: 'clients may sign in', send: 'GET /v2/', ...ann, status: 200 },
])
