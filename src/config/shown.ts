/** A value as a message may show it: what stands before the host of an address may be a password. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(withoutPasswords(value))
  return withoutPasswords(JSON.stringify(value) ?? String(value))
}

/**
 * With `***` for who signs in at an address, be it written with `http://` or, as proxies are, without. Of a text that is
 * an address, up to its last `@`: whatever is in a password that was not encoded, a slash or an `@`, is in there. What
 * stands behind a `?` may be a token.
 */
export function withoutPasswords(text: string): string {
  return text
    .replace(/^([a-z][a-z\d+.-]*:\/\/).*@/is, '$1***@')
    .replace(/^(https?:[^?]*\?).+/is, '$1***')
    .replaceAll(/\/\/[^/\s"']+@/g, '//***@')
    .replaceAll(/(?<=^|[\s"'[(,])[^/@\s"'[\](),]+:[^/@\s"'[\](),]+@/g, '***@')
}
