import { Refusal } from '../oci/refusal.ts'
import { ANSWERS } from './error-response.ts'
import type { Reply, Route } from './route.ts'

/** A listener that is one upstream's alone, for `registry-mirrors` of dockerd. */
export interface Mirror {
  /** `docker.io`. */
  readonly upstream: string
}

const READS: readonly string[] = ['GET', 'HEAD']

/** The routes of such a listener: every path is there, and only reading is done. What lists all repositories is not. */
export function asMirror(routes: readonly Route[]): Route[] {
  return routes
    .filter((route) => !listsAll(route))
    .map((route) => ({ ...route, methods: canRead(route) ? route.methods : [] }))
}

/** It lists what is here, whoever's it is: nothing that belongs to one upstream. */
export function listsAll({ access }: Pick<Route, 'access'>): boolean {
  return access === 'catalog'
}

/** An upload is read by who may push. A form for a token changes nothing. */
function canRead({ access, methods }: Route): boolean {
  if (access === 'open') return true
  return access !== 'push' && access !== 'delete' && methods.every((method) => READS.includes(method))
}

/** Why a method is refused there. */
export function onlyRead({ upstream }: Mirror): string {
  return `this address is a mirror of ${upstream}, which is only read: push to the registry's own address`
}

/**
 * What the handler answers. On a mirror a blob that cannot be had is not there, whatever the cause, which the message
 * tells: dockerd tries again for 50 s at each blob that is answered with 5xx, and asks the registry itself at once
 * for one that is not there.
 */
export async function mirrored(
  mirror: Mirror | undefined,
  path: string,
  answer: () => Reply | Promise<Reply>,
): Promise<Reply> {
  if (mirror === undefined || !path.includes('/blobs/')) return await answer()
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof Refusal) || !isTrouble(error)) throw error
    const { message, facts } = error
    const { detail } = facts
    throw new Refusal('blob-unknown', { because: message, cause: error, ...(detail !== undefined && { detail }) })
  }
}

/** Of the upstream, or of ours; nothing that the client did wrong. */
function isTrouble({ kind }: Refusal): boolean {
  const { status } = ANSWERS[kind]
  return status === 403 || status === 429 || status >= 500
}
