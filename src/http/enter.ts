import type { Located } from '../registry/addressing.ts'
import type { Caller } from '../registry/registry.ts'
import { authorise, type Door, identify, type Visitor, type Wanted } from './guard.ts'
import { type Locating, locate } from './locate.ts'
import type { Mirror } from './mirror.ts'
import type { Arrival, Query } from './route.ts'

interface Asked extends Wanted {
  readonly query: Query
  /** It is asked whether a blob is there. */
  readonly blob: boolean
  readonly arrival: Arrival
}

interface Parts {
  readonly door: Door
  readonly locating: Locating | undefined
  readonly mirror: Mirror | undefined
  /** Told as soon as it is known, whatever comes of the request. */
  readonly met: (caller: Caller) => void
  readonly found: (located: Located) => void
}

/**
 * Who comes, to which repository, and whether he may. Throws what keeps him out.
 *
 * Who pulls from the cache what everybody may pull is not asked who he is: clients send a login of another registry
 * there, because they take us for a mirror of it. It is neither checked, nor told, nor counted.
 */
export async function enter(asked: Asked, parts: Parts): Promise<Caller> {
  const { access, name, arrival } = asked
  if (name === undefined) return await knownVisitor(asked, parts)

  const early = access === 'pull' && parts.door.signIn.tokens !== undefined
  const place = early ? await foundOut(whereOf({ ...asked, name }, STRANGER, parts)) : undefined
  const guest = place?.upstream === undefined ? undefined : guestOf(place, asked, parts)
  if (guest !== undefined) return guest

  const caller = await identify(parts.door, asked)
  parts.met(caller)
  const located = place ?? (await whereOf({ ...asked, name }, caller, parts))
  parts.found(located)
  authorise(parts.door, { access, name, arrival }, { caller, repository: located.repository })
  return caller
}

/** Who it is, where no repository is meant. Lists show what he may see, whatever his token is for. */
async function knownVisitor(asked: Asked, { door, met }: Parts): Promise<Caller> {
  const visitor = await identify(door, asked)
  met(visitor)
  return asked.access === 'catalog' ? (visitor.whole ?? visitor) : visitor
}

function guestOf(located: Located, { arrival }: Asked, { door, met, found }: Parts): Caller | undefined {
  const { peer, headers } = arrival
  const guest = door.signIn.guest?.(headers['authorization'], { peer, repository: located.repository })
  if (guest === undefined) return undefined
  met(guest)
  found(located)
  return guest
}

/** What a pull means does not depend on who he is. */
const STRANGER: Visitor = { account: '', may: () => false }

function whereOf(
  { name, query, access, blob, arrival }: Asked & { readonly name: string },
  caller: Visitor,
  { door, locating, mirror }: Parts,
): Promise<Located> {
  return locate({ name, query, access, blob, caller, arrival }, { door, locating, mirror })
}

/** `undefined`: it is not found out. Who may not come in is told that first; then it is looked for again, and told. */
async function foundOut(where: Promise<Located>): Promise<Located | undefined> {
  try {
    return await where
  } catch {
    return undefined
  }
}
