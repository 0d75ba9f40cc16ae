import type { Digest } from '../oci/digest.ts'
import type { Asking, Reply } from './asking.ts'
import { isEncoded, lengthIn } from './body.ts'
import { wrongAnswer } from './missed.ts'
import type { BlobFrom } from './upstream.ts'

export interface BlobAsked {
  readonly repository: string
  readonly digest: Digest
  readonly from?: BlobFrom | undefined
}

/** A body that is on its way. */
export interface OpenedBlob {
  readonly at: number
  readonly size?: number
  readonly reply: Reply
}

const BLOB_HEADERS = { accept: '*/*', 'accept-encoding': 'identity' }

/** What is answered where a range is not: it is asked for the whole then. */
const NO_RANGE = [400, 416]

/** Never by a HEAD before: some refuse it (distribution #4383). Throws a `Missed`. */
export async function openBlob(asking: Asking, { repository, digest, from }: BlobAsked): Promise<OpenedBlob> {
  const ask = { hop: 'blob', method: 'GET', repository, path: `${repository}/blobs/${digest}` } as const
  const at = from?.at ?? 0
  if (at > 0) {
    const headers = { ...BLOB_HEADERS, range: `bytes=${at}-` }
    const part = await asking.ask({ ...ask, headers, takes: [200, 206, ...NO_RANGE] })
    if (part.status === 200) return whole(part, from?.size)
    const size = part.status === 206 ? exactPart(part, { at, size: from?.size }) : undefined
    if (size !== undefined && !isEncoded(part.headers)) return { at, size, reply: part }
    // Not where it was asked to begin: bytes of it could land anywhere.
    part.discard()
  }
  return whole(await asking.ask({ ...ask, headers: BLOB_HEADERS, takes: [200] }), from?.size)
}

function whole(reply: Reply, expected: number | undefined): OpenedBlob {
  const size = lengthIn(reply.headers)
  const wrong = isEncoded(reply.headers)
    ? 'encoding'
    : size !== undefined && size !== (expected ?? size)
      ? 'length'
      : undefined
  if (wrong !== undefined) {
    reply.discard()
    throw wrongAnswer(reply, wrong)
  }
  return { at: 0, reply, ...(size !== undefined && { size }) }
}

/** Bytes of the whole, where the part is just what was asked for: from there to the end. */
export function exactPart(
  { headers }: Pick<Reply, 'headers'>,
  { at, size }: { readonly at: number; readonly size: number | undefined },
): number | undefined {
  const range = headers['content-range']
  const [, start, end, total] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(typeof range === 'string' ? range : '') ?? []
  const told = Number(total)
  const length = lengthIn(headers) ?? told - at
  const exact =
    told > at && Number(start) === at && Number(end) === told - 1 && length === told - at && told === (size ?? told)
  return exact ? told : undefined
}

/** The bytes, as many as were told. Throws a `Missed`. */
export async function* bytesOf({ at, size, reply }: OpenedBlob): AsyncGenerator<Uint8Array> {
  let received = at
  for await (const part of reply.body) {
    received += part.length
    if (size !== undefined && received > size) throw wrongAnswer(reply, 'length')
    yield part
  }
  if (size !== undefined && received < size) throw wrongAnswer(reply, 'cut')
}
