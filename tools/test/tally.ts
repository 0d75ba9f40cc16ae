/** A test that did not run, or failed, and what is known of it. */
export interface Remark {
  readonly name: string
  readonly because: string
}

/** How a run of tests ended. */
export interface Tally {
  readonly passed: number
  readonly failed: readonly Remark[]
  readonly skipped: readonly Remark[]
}

export const NOTHING: Tally = { passed: 0, failed: [], skipped: [] }

/** A step that is no test, counted as one. */
export function tallyOfStep(name: string, failure: string | undefined): Tally {
  return failure === undefined ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: [{ name, because: failure }] }
}

export function sumOf(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, { passed }) => sum + passed, 0),
    failed: tallies.flatMap(({ failed }) => failed),
    skipped: tallies.flatMap(({ skipped }) => skipped),
  }
}

/** One line for each that failed or was skipped, and the counts in the last, in the words that CI reads. */
export function report({ passed, failed, skipped }: Tally): string {
  return [
    ...skipped.map(({ name, because }) => `skipped: ${name}: ${because}`),
    ...failed.map(({ name, because }) => `failed: ${name}: ${because}`),
    `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ].join('\n')
}

/** Whether a run was good. Where nothing may be skipped (CI), a skip is as bad as a failure. */
export function isGood({ failed, skipped }: Tally, { maySkip }: { readonly maySkip: boolean }): boolean {
  return failed.length === 0 && (maySkip || skipped.length === 0)
}
