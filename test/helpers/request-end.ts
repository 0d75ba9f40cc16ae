import type { RequestEnd } from '../../src/http/request-log.ts'

interface Told {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly status?: number
  readonly outcome?: Partial<NonNullable<RequestEnd['outcome']>>
  readonly ending?: RequestEnd['ending']
}

/** A request that is over: a pull of a manifest by ann, but for what is said. */
export function requestEnd({
  method = 'GET',
  target,
  headers = {},
  status = 200,
  outcome,
  ending,
}: Told = {}): RequestEnd {
  return {
    arrival: {
      ...{ id: '0123456789abcdef', method, target: target ?? '/v2/team/app/manifests/latest', peer: '10.0.0.1' },
      headers: { host: 'reg.example:5000', 'user-agent': 'tests/1', ...headers },
      ...{ body: nothing(), signal: new AbortController().signal },
    },
    outcome: {
      reply: { status, headers: { 'content-type': 'application/json' } },
      ...{ account: 'ann', route: '/v2/:name+/manifests/:reference' },
      params: { name: 'team/app', reference: 'latest' },
      ...outcome,
    },
    ...{ ending: ending ?? 'whole', bytes: 1234, ms: 0.5, peer: '10.0.0.1:5123', version: '1.1' },
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
