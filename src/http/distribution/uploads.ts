import { type Algorithm, algorithmOf, type Digest, isAlgorithm, parseDigest } from '../../oci/digest.ts'
import { isRepositoryName } from '../../oci/name.ts'
import { Refusal } from '../../oci/refusal.ts'
import type { Chunk, Registry, UploadKey, UploadStatus } from '../../registry/registry.ts'
import { addressOf } from '../address.ts'
import { parseContentRange, receivedRange } from '../range.ts'
import { peek } from '../read-body.ts'
import type { Handler, Query, Reply, Request } from '../route.ts'

type Uploads = Registry['uploads']

/**
 * `POST /v2/<name>/blobs/uploads/`: opens a session, takes a whole blob (`digest`), or ties one that is here already
 * (`mount`, `from`). A mount that cannot be done is no error: the client goes on and sends the blob.
 */
export function beginUpload({ uploads }: Pick<Registry, 'uploads'>): Handler {
  return async ({ params, query, body, caller, repository }) => {
    const { name = '' } = params
    const mounted = query.has('mount') ? parseDigest(query.get('mount') ?? '') : undefined
    if (mounted !== undefined) {
      const from = query.get('from')
      const possible = from === undefined || isRepositoryName(from)
      if (possible && (await uploads.mount(repository, mounted, { caller, ...(from !== undefined && { from }) }))) {
        return stored(name, mounted, query)
      }
    } else if (query.has('digest')) {
      const digest = parseDigest(query.get('digest') ?? '')
      const { empty, body: whole } = await peek(body)
      // Without a body it is the empty blob that is pushed, or a session that is asked for.
      if (!empty || isEmptyBlob(digest)) {
        await takeWhole(uploads, { repository, caller, digest, body: whole })
        return stored(name, digest, query)
      }
    }
    return await sessionReply(202, { name, query }, uploads.begin(repository, caller, algorithmAsked(query)))
  }
}

/** `PATCH` of a session's location: appends. */
export function appendUpload({ uploads }: Pick<Registry, 'uploads'>): Handler {
  return async (request) => {
    const { params, query, body } = request
    const { name = '' } = params
    const key = keyOf(request)
    return await recoverable(request, async () => {
      const span = await spanOf(uploads, request)
      const status = uploads.append(key, { body, ...(span !== undefined && { span }) })
      return await sessionReply(202, { name, query }, status)
    })
  }
}

/** `PUT` of a session's location: appends what is left, and makes it a blob. */
export function finishUpload({ uploads }: Pick<Registry, 'uploads'>): Handler {
  return async (request) => {
    const { params, query, headers, body } = request
    const key = keyOf(request)
    const digest = parseDigest(query.get('digest') ?? '')
    return await recoverable(request, async () => {
      // Not looked at before: an unknown session is told before its body is asked for.
      const rest = headers['content-range'] === undefined ? { body } : await lastChunk(uploads, request)
      await uploads.finish(key, digest, rest)
      return stored(params['name'] ?? '', digest, query)
    })
  }
}

/** `GET` of any location that the session ever had: where it stands now. */
export function readUpload({ uploads }: Pick<Registry, 'uploads'>): Handler {
  return async (request) => {
    const { params, query } = request
    const { name = '' } = params
    return await sessionReply(204, { name, query }, uploads.status(keyOf(request)))
  }
}

/** `DELETE` of a session's location. Wants no more than the right to push: podman cancels after a declined mount. */
export function cancelUpload({ uploads }: Pick<Registry, 'uploads'>): Handler {
  return async (request) => {
    await uploads.cancel(keyOf(request))
    return { status: 204, headers: {} }
  }
}

function keyOf({ params, caller, repository }: Request): UploadKey {
  return { id: params['id'] ?? '', repository, caller }
}

function algorithmAsked(query: Query): Algorithm {
  const asked = query.get('digest-algorithm')
  if (asked === undefined) return query.has('digest') ? algorithmOf(parseDigest(query.get('digest') ?? '')) : 'sha256'
  if (isAlgorithm(asked)) return asked
  throw new Refusal('digest-invalid', {
    because: `'${asked.slice(0, 80)}' is no algorithm of this registry: sha256, sha512`,
  })
}

function isEmptyBlob(digest: Digest): boolean {
  return digest === EMPTY[algorithmOf(digest)]
}

/** The digests of no bytes. */
const EMPTY = {
  sha256: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  sha512:
    'sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce' +
    '47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
}

/** A blob in one request. The client knows no session, so none is left behind. */
async function takeWhole(
  uploads: Uploads,
  { repository, caller, digest, body }: Pick<Request, 'repository' | 'caller' | 'body'> & { digest: Digest },
): Promise<void> {
  const { id } = await uploads.begin(repository, caller, algorithmOf(digest))
  const key = { id, repository, caller }
  try {
    await uploads.finish(key, digest, { body })
  } catch (error) {
    await uploads.cancel(key).catch(() => undefined)
    throw error
  }
}

/** Old regclient sends a `Content-Range` with nothing: it says nothing. */
async function lastChunk(uploads: Uploads, request: Request): Promise<Chunk> {
  const { empty, body } = await peek(request.body)
  const span = empty ? undefined : await spanOf(uploads, request)
  return { body, ...(span !== undefined && { span }) }
}

/** From `Content-Range`, checked against `Content-Length` before anything is taken. */
async function spanOf(uploads: Uploads, request: Request): Promise<Chunk['span']> {
  const { 'content-range': range, 'content-length': length } = request.headers
  if (range === undefined) return undefined
  const span = parseContentRange(range)
  if (span === undefined) {
    const { received } = await uploads.status(keyOf(request))
    throw new Refusal('request-invalid', {
      because: `Content-Range is '${range.slice(0, 80)}', and should be like 0-99`,
      received,
    })
  }
  if (length !== undefined && Number(length) !== span.length) {
    const { received } = await uploads.status(keyOf(request))
    const because = `Content-Range says ${span.length} bytes, and Content-Length ${length}`
    throw new Refusal('size-invalid', { because, received })
  }
  return span
}

/** Tells with a refusal where the session is, if it still stands: a client that gets both goes on from there. */
async function recoverable({ params, query }: Request, work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal) || error.facts.received === undefined) throw error
    const { name = '', id = '' } = params
    const { because, ...facts } = error.facts
    const location = sessionAddress(name, id, query)
    throw new Refusal(error.kind, { ...facts, ...(because !== undefined && { because }), location })
  }
}

function stored(name: string, digest: Digest, query: Query): Reply {
  return {
    status: 201,
    headers: { location: addressOf(`/v2/${name}/blobs/${digest}`, query), 'docker-content-digest': digest },
  }
}

async function sessionReply(
  status: number,
  { name, query }: { name: string; query: Query },
  session: Promise<UploadStatus>,
): Promise<Reply> {
  const { id, received } = await session
  return {
    status,
    headers: {
      location: sessionAddress(name, id, query),
      range: receivedRange(received),
      'docker-upload-uuid': id,
    },
  }
}

function sessionAddress(name: string, id: string, query: Query): string {
  return addressOf(`/v2/${name}/blobs/uploads/${id}`, query)
}
