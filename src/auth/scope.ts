/** What a token is asked for (Docker's token authentication, "Resource scope"). */
export interface Scope {
  /** `repository`, `registry`; the class that may follow in brackets is left out. */
  readonly type: string
  /** As the client sees it in the URL. It may have colons: `host:5000/app`. */
  readonly name: string
  readonly actions: readonly string[]
}

/** Reads `type:name:actions`, split at the first and the last colon; `undefined`: it is none. */
export function parseScope(text: string): Scope | undefined {
  const { type, name, actions } =
    /^(?<type>[a-z0-9]+)(?:\([a-z0-9]*\))?:(?<name>[^ ]+):(?<actions>[a-z*,]+)$/.exec(text)?.groups ?? {}
  if (type === undefined || name === undefined || actions === undefined) return undefined
  return { type, name, actions: actions.split(',').filter((action) => action !== '') }
}

export function formatScope({ type, name, actions }: Scope): string {
  return `${type}:${name}:${actions.join(',')}`
}
