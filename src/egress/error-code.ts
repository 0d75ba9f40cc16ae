/** What the system calls an error, as it goes into the facts of an `EgressError`; of several at once, the first's. */
export function codeOf(error: unknown): { readonly code?: string } {
  if (!(error instanceof Error)) return {}
  if ('code' in error && typeof error.code === 'string') return { code: error.code }
  return {}
}
