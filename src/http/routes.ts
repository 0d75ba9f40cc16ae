import type { Registry } from '../registry/registry.ts'
import { deleteBlob, readBlob } from './distribution/blobs.ts'
import { listReferrers, listRepositories, listTags } from './distribution/listings.ts'
import { deleteManifest, putManifest, readManifest } from './distribution/manifests.ts'
import { alive, ping } from './distribution/ping.ts'
import { appendUpload, beginUpload, cancelUpload, finishUpload, readUpload } from './distribution/uploads.ts'
import type { Route } from './route.ts'
import { giveToken, giveTokenForForm } from './token.ts'
import { TOKEN_PATH } from './token-address.ts'

const READ = ['GET', 'HEAD']
const MANIFEST = '/v2/:name+/manifests/:reference'
const UPLOADS = '/v2/:name+/blobs/uploads/'
const UPLOAD = '/v2/:name+/blobs/uploads/:id'
const BLOB = '/v2/:name+/blobs/:digest'

/** Entries on a page, whoever asks for more: `catalog.maxentries` and `tags.maxtags`. */
export interface Limits {
  readonly repositories: number
  readonly tags: number
}

/**
 * Every path that this server answers, and what a caller needs to be let in. The first row that matches holds.
 *
 * Read it as the security review does: down the `access` column. There is no
 * default; a route without an access level does not compile.
 */
// biome-ignore format: one route a line
export function routes(registry: Registry, limits: Limits = { repositories: 1000, tags: 1000 }): Route[] {
  return [
    { methods: READ, path: '/', access: 'open', handler: alive },
    { methods: ['GET'], path: TOKEN_PATH, access: 'open', handler: giveToken },
    { methods: ['POST'], path: TOKEN_PATH, access: 'open', handler: giveTokenForForm },
    { methods: READ, path: '/v2/', access: 'signed-in', handler: ping },
    { methods: READ, path: '/v2/_catalog', access: 'catalog', handler: listRepositories(registry, limits.repositories) },
    { methods: READ, path: '/v2/:name+/tags/list', access: 'pull', handler: listTags(registry, limits.tags) },
    { methods: READ, path: '/v2/:name+/referrers/:digest', access: 'pull', handler: listReferrers(registry) },
    { methods: READ, path: MANIFEST, access: 'pull', handler: readManifest(registry) },
    { methods: ['PUT'], path: MANIFEST, access: 'push', handler: putManifest(registry) },
    { methods: ['DELETE'], path: MANIFEST, access: 'delete', handler: deleteManifest(registry) },
    { methods: ['POST'], path: UPLOADS, access: 'push', handler: beginUpload(registry) },
    { methods: READ, path: UPLOAD, access: 'push', handler: readUpload(registry) },
    { methods: ['PATCH'], path: UPLOAD, access: 'push', handler: appendUpload(registry) },
    { methods: ['PUT'], path: UPLOAD, access: 'push', handler: finishUpload(registry) },
    { methods: ['DELETE'], path: UPLOAD, access: 'push', handler: cancelUpload(registry) },
    { methods: READ, path: BLOB, access: 'pull', handler: readBlob(registry) },
    { methods: ['DELETE'], path: BLOB, access: 'delete', handler: deleteBlob(registry) },
  ]
}
