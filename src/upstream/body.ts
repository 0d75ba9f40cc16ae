import { type Whence, wrongAnswer } from './missed.ts'

interface Reply extends Whence {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array>
  discard(): void
}

/** The whole body. Throws a `Missed`: one that is longer is not read. */
export async function readWhole(reply: Reply, longest: number): Promise<Uint8Array> {
  const told = lengthIn(reply.headers)
  const parts: Uint8Array[] = []
  let length = 0
  const tooLarge = () => {
    reply.discard()
    return wrongAnswer(reply, 'too-large')
  }
  if (told !== undefined && told > longest) throw tooLarge()
  for await (const part of reply.body) {
    length += part.length
    if (length > longest) throw tooLarge()
    parts.push(part)
  }
  if (told !== undefined && told !== length) throw wrongAnswer(reply, 'length')
  return Buffer.concat(parts, length)
}

/** As much of a page or an error as is looked at. */
const START = 64 * 1024

/** How the body begins, of an answer that is an error anyway: that it breaks off changes nothing. */
export async function readStart(reply: Reply): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const part of reply.body) {
      parts.push(part)
      length += part.length
      if (length >= START) break
    }
  } catch {
    // What came is enough.
  }
  reply.discard()
  return Buffer.concat(parts, length).toString()
}

/** `Content-Length`; left out: it is not told. */
export function lengthIn(headers: Reply['headers']): number | undefined {
  const told = headers['content-length']
  return typeof told === 'string' && /^\d{1,15}$/.test(told) ? Number(told) : undefined
}

/** The answer is packed, though it was not asked to be: its digest would be another's. */
export function isEncoded(headers: Reply['headers']): boolean {
  const told = [headers['content-encoding'] ?? ''].flat().join(',').trim()
  return told !== '' && told.toLowerCase() !== 'identity'
}
