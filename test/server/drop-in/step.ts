/** One request of the table, sent to both. */
export interface Step {
  /** Unique, with its group in front: `upload: ask how far it is`. */
  readonly name: string
  readonly method: string
  /** A function where it follows from an earlier answer. */
  readonly path: string | ((kept: Kept) => string)
  /** Default: somebody with the right password. */
  readonly as?: 'nobody' | 'wrong' | 'unknown'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Sent in chunks, without a length. */
  readonly chunked?: true
  /** Under which name the answer's Location is kept. */
  readonly keep?: string
}

/** What was kept of the answers so far. */
export interface Kept {
  /** The Location under that name, as a path, with parameters added. */
  at(name: string, parameters?: Readonly<Record<string, string>>): string
}

/** What an answer says, without what differs from run to run. */
export interface Said {
  readonly status: number
  /** Codes of the error envelope. Empty: it has none. */
  readonly code: string
  /** Of an answer that is no error, where it is JSON of the protocol. */
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** One way in which two answers differ. */
export interface Difference {
  readonly step: string
  /** `status`, `code`, `body`, or the name of a header. */
  readonly what: string
  /** `–`: it has none. */
  readonly registry2: string
  readonly homeport: string
}

/** Of two answers with other statuses, what they carry follows from that, and is not compared. */
export function differencesBetween(step: string, registry2: Said, homeport: Said): Difference[] {
  const pairs: [string, string, string][] = [
    ['status', String(registry2.status), String(homeport.status)],
    ['code', registry2.code, homeport.code],
  ]
  if (registry2.status === homeport.status) {
    pairs.push(['body', registry2.body, homeport.body])
    const names = new Set([...Object.keys(registry2.headers), ...Object.keys(homeport.headers)])
    for (const name of names) pairs.push([name, registry2.headers[name] ?? '', homeport.headers[name] ?? ''])
  }
  return pairs
    .filter(([, theirs, ours]) => theirs !== ours)
    .map(([what, theirs, ours]) => ({ step, what, registry2: theirs || '–', homeport: ours || '–' }))
}
