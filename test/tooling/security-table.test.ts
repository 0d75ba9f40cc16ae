import { testProofTable } from './proof-table.ts'

function numbers(letter: string, last: number, without: readonly number[] = []): string[] {
  return Array.from({ length: last }, (_, index) => index + 1)
    .filter((number) => !without.includes(number))
    .map((number) => `${letter}${number}`)
}

// Threats, experiments and promises. The numbers that are left out were never given.
testProofTable('test/security.md', [
  ...numbers('T', 48, [12, 20, 25, 31, 36, 43]),
  ...numbers('D-', 27),
  ...numbers('P-', 25),
])
