import { Secret } from '../base/secret.ts'
import { Refusal } from '../oci/refusal.ts'
import type { IssuedToken, TokenAsked, TokenOffice } from './guard.ts'
import { readBody } from './read-body.ts'
import type { Handler, Reply, Request } from './route.ts'

/** Bytes of a form. */
const LARGEST_FORM = 64 * 1024

/** `GET /token` (Docker's token authentication): the account comes by Basic, or not at all. */
export const giveToken: Handler = async (request) => {
  const scopes = request.query.all('scope').flatMap(scopesIn)
  const issued = await issue(request, { authorization: request.headers['authorization'], scopes })
  return tokenReply(issued)
}

/**
 * `POST /token`, a form (Docker's OAuth2 variant). There are no refresh tokens: whoever has a password may always use
 * it, so nothing is kept that would have to be revoked.
 */
export const giveTokenForForm: Handler = async (request) => {
  officeOf(request)
  const form = new URLSearchParams((await formOf(request)).toString())
  const [grant, account, password] = [form.get('grant_type'), form.get('username'), form.get('password')]
  if (grant !== 'password') {
    throw new Refusal('request-invalid', {
      because: `grant_type is '${(grant ?? '').slice(0, 80)}', and here is only 'password'`,
    })
  }
  if (account === null || password === null) {
    throw new Refusal('request-invalid', { because: 'the form has no username, or no password' })
  }
  const login = account === '' && password === '' ? undefined : { account, password: new Secret(password) }
  const issued = await issue(request, { login, scopes: form.getAll('scope').flatMap(scopesIn) })
  return tokenReply(issued, { scope: issued.scopes.join(' ') })
}

/** Throws `unauthorized` for credentials that are wrong: on anything else `docker login` would keep them. */
async function issue(request: Request, asked: Omit<TokenAsked, 'peer'>): Promise<IssuedToken> {
  const { office, challenge } = officeOf(request)
  const issued = await office.issue({ ...asked, peer: request.peer })
  if (issued !== undefined) return issued
  throw new Refusal('unauthorized', { challenge, because: 'those that came are not valid' })
}

/** Throws `route-unknown` where there are no tokens. */
function officeOf({ signIn }: Request): { office: TokenOffice; challenge: string } {
  if (signIn?.tokens === undefined) throw new Refusal('route-unknown')
  return { office: signIn.tokens, challenge: signIn.challenge }
}

async function formOf({ body, headers }: Request): Promise<Buffer> {
  try {
    return await readBody(body, { headers, limit: LARGEST_FORM })
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind !== 'manifest-too-large') throw error
    throw new Refusal('request-invalid', { because: `the form may have ${LARGEST_FORM} bytes` })
  }
}

/** A space between several, which some write as a plus in a query. No scope has either in it. */
function scopesIn(text: string): string[] {
  return text.split(/[ +]+/).filter((scope) => scope !== '')
}

/** Both names of the token: each has clients that read only it. */
function tokenReply({ token, expiresIn }: IssuedToken, more: Readonly<Record<string, string>> = {}): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({
      ...{ token, access_token: token, expires_in: expiresIn, issued_at: new Date().toISOString() },
      ...more,
    }),
  }
}
