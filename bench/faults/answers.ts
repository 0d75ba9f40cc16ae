import { get, type IncomingMessage, request } from 'node:http'
import { MEDIA_TYPES } from '../../test/helpers/images.ts'

/** What came of a request; `whole`: 200, and the body was as long as was announced. */
export interface Answered {
  /** 0: nothing came in time, or nobody was there. */
  readonly status: number
  readonly whole: boolean
  readonly bytes: number
  /** How the body begins. */
  readonly text: string
  /** From the start to the first byte of the body, and to its end. */
  readonly seconds: { readonly first: number; readonly all: number }
}

const START = 4096

/** Asks over plain HTTP on a connection of its own. Whatever comes of it is an answer. */
export async function ask(url: string, { most = 60 }: { readonly most?: number } = {}): Promise<Answered> {
  const begun = performance.now()
  const since = () => (performance.now() - begun) / 1000
  let [bytes, text, first, status, whole] = [0, '', 0, 0, false]
  const signal = AbortSignal.timeout(most * 1000)
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const accept = [MEDIA_TYPES.oci.manifest, MEDIA_TYPES.oci.index].join(', ')
      get(url, { agent: false, headers: { accept }, signal }, resolve).once('error', reject)
    })
    status = response.statusCode ?? 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (bytes === 0) first = since()
      bytes += chunk.length
      if (text.length < START) text += chunk.toString('latin1')
    }
    whole = status === 200 && response.complete
  } catch {
    // What came says it.
  }
  return { status, whole, bytes, text, seconds: { first, all: since() } }
}

/** Status of a request that begins an upload. */
export async function beginUpload(url: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', agent: false, headers: { 'content-length': 0 } }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.once('error', reject).end()
  })
}

/** The first error of a registry's body: `DENIED`, and where it says so, the cause and the hop. */
export function errorIn({ status, text }: Pick<Answered, 'status' | 'text'>): string {
  if (status === 0) return 'no answer'
  try {
    const [{ code, detail = {} } = {}] = JSON.parse(text).errors
    const { cause, hop } = detail ?? {}
    return `${status} ${code}${cause === undefined ? '' : ` (${cause}, ${hop})`}`
  } catch {
    return `${status} without a body of a registry`
  }
}
