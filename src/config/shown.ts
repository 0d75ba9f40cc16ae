/** A value as a message may show it: what stands before the host of an address may be a password. */
export function shown(value: unknown): string {
  return withoutPasswords(JSON.stringify(value) ?? String(value))
}

export function withoutPasswords(text: string): string {
  return text.replaceAll(/\/\/[^/@\s"']+@/g, '//***@')
}
