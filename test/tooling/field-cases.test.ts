import { testProofTable } from './proof-table.ts'

/** Of the cache, and of proxies. The numbers that are left out were never given. */
const CACHE = [
  1, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 15, 17, 18, 20, 21, 22, 23, 25, 26, 27, 28, 29, 32, 33, 34, 36, 37, 38, 39,
]
const PROXIES = [40, 41, 42, 43, 45, 46, 48]

testProofTable(
  'test/field-cases.md',
  [...CACHE, ...PROXIES].map((number) => `FC-${String(number).padStart(2, '0')}`),
)
