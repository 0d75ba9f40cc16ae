/** A value as a message may show it: what stands before the host of an address may be a password. */
export function shown(value: unknown): string {
  return withoutPasswords(JSON.stringify(value) ?? String(value))
}

/** With `***` for who signs in at an address, be it written with `http://` or, as proxies are, without. */
export function withoutPasswords(text: string): string {
  return text
    .replaceAll(/\/\/[^/@\s"']+@/g, '//***@')
    .replaceAll(/(?<=^|[\s"'[(,])[^/@\s"'[\](),]+:[^/@\s"'[\](),]+@/g, '***@')
}
