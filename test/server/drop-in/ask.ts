import { type IncomingMessage, request as sendRequest } from 'node:http'
import type { Kept, Said, Step } from './step.ts'

/** Headers of HTTP itself, which say nothing of a registry. */
const PASSED_OVER = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding'])
const JSON_TYPES = /^application\/(json|vnd\.oci\.image\.index\.v1\+json)/

export interface Asker {
  ask(step: Step): Promise<Said>
}

/** Sends steps in turn, each over a connection of its own, and keeps what later ones need. `host`: with its port. */
export function askerOf(host: string, credentials: Readonly<Record<string, string>>): Asker {
  const locations = new Map<string, string>()
  const kept: Kept = {
    at(name, parameters = {}) {
      const url = new URL(locations.get(name) ?? `/no-location-${name}`, `http://${host}`)
      for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value)
      return `${url.pathname}${url.search}`
    },
  }
  return {
    async ask(step) {
      const { method, path, as = 'somebody', headers = {}, body, chunked } = step
      const authorization = credentials[as]
      const answer = await send(host, {
        method,
        path: typeof path === 'string' ? path : path(kept),
        body,
        headers: {
          ...(authorization !== undefined && { authorization }),
          ...(body !== undefined &&
            (chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(Buffer.byteLength(body)) })),
          ...headers,
        },
      })
      const { location } = answer.headers
      if (step.keep !== undefined && location !== undefined) locations.set(step.keep, location)
      return saidBy(answer, host)
    },
  }
}

interface Answer extends Pick<IncomingMessage, 'headers'> {
  readonly status: number
  readonly text: string
  /** The connection ended before the body did. */
  readonly cut: boolean
}

interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

function send(host: string, { method, path, headers, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = sendRequest(`http://${host}`, { method, path, headers, agent: false })
    request.once('error', reject)
    request.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more
      })
      const end = (cut: boolean) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text, cut })
      response.once('end', () => end(false)).once('error', () => end(true))
    })
    request.end(body)
  })
}

function saidBy({ status, headers, text, cut }: Answer, host: string): Said {
  const code = codesIn(text)
  const isJson = status < 400 && JSON_TYPES.test(headers['content-type'] ?? '')
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    // How long a sentence, or a list, is written is no matter.
    const own = PASSED_OVER.has(name) || (name === 'content-length' && (status >= 400 || isJson))
    if (!own) shown[name] = withoutChance(String(value), host)
  }
  const body = cut ? 'cut short' : isJson && text !== '' ? withoutChance(JSON.stringify(JSON.parse(text)), host) : ''
  return { status, code, body, headers: shown }
}

/** What is different each time: ports, session ids, and the state that registry:2 puts into its Locations. */
function withoutChance(value: string, host: string): string {
  return value
    .replaceAll(host, 'HOST')
    .replaceAll(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, 'ID')
    .replaceAll(/_state=[\w%=-]+/g, '_state=STATE')
    .replaceAll(/(sha(?:256|512)(?::|%3A)[\da-f]{6})[\da-f]+/g, '$1…')
}

function codesIn(text: string): string {
  try {
    const { errors } = JSON.parse(text) as { errors?: { code: string }[] }
    return errors?.map(({ code }) => code).join(', ') ?? ''
  } catch {
    return ''
  }
}
