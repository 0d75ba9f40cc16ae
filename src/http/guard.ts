import { Refusal } from '../oci/refusal.ts'
import type { Caller } from '../registry/registry.ts'
import type { Access, Arrival } from './route.ts'

/** Who is who. `auth/` has the one that reads passwords. */
export interface SignIn {
  /** Whether one has to sign in at all. */
  readonly required: boolean
  /** What `WWW-Authenticate` says to those who have not. */
  readonly challenge: string
  /** `undefined`: credentials are missing, or do not verify. Throws `rate-limited`. */
  callerFor(authorization: string | undefined, from: { readonly peer: string }): Promise<Caller | undefined>
}

const NOBODY: Caller = { account: '', may: () => false }

/** Who asks. Throws `unauthorized` where the route wants to know, and he does not say. */
export async function identify(
  signIn: SignIn,
  access: Access,
  { headers, peer }: Pick<Arrival, 'headers' | 'peer'>,
): Promise<Caller> {
  if (access === 'open') return NOBODY
  const sent = headers['authorization']
  const caller = await signIn.callerFor(sent, { peer })
  if (caller === undefined) throw unauthorized(signIn, sent === undefined ? undefined : 'those that came are not valid')
  return caller
}

/** Throws where the caller may not do that in the repository: `denied`, or `unauthorized` to one who may sign in. */
export function authorise(
  signIn: SignIn,
  access: Access,
  { caller, repository }: { caller: Caller; repository: string },
): void {
  if (access === 'open' || access === 'signed-in' || access === 'catalog') return
  if (caller.may(access, repository)) return
  if (caller.account === '' && signIn.required) throw unauthorized(signIn)
  throw new Refusal('denied', { because: `${access} in ${repository}` })
}

function unauthorized({ challenge }: SignIn, because?: string): Refusal {
  return new Refusal('unauthorized', { challenge, ...(because !== undefined && { because }) })
}
