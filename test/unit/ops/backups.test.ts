import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dailyCopies, dailyName, hasRoom, migrationName, surplusCopies } from '../../../src/ops/backups.ts'

const DAY = 24 * 60 * 60 * 1000
const FIRST = Date.UTC(2026, 1, 25)

test('backups: a copy is named by its day, and the newest comes first', () => {
  assert.equal(dailyName(FIRST), 'catalog-2026-02-25.db')
  assert.equal(dailyName(FIRST + DAY - 1), 'catalog-2026-02-25.db')
  const names = [dailyName(FIRST), dailyName(FIRST + 5 * DAY), dailyName(FIRST + DAY)]
  assert.deepEqual(dailyCopies(names), ['catalog-2026-03-02.db', 'catalog-2026-02-26.db', 'catalog-2026-02-25.db'])
})

test('backups: seven daily copies are kept, and nothing else is touched', () => {
  const days = Array.from({ length: 10 }, (_, day) => dailyName(FIRST + day * DAY))
  const others = [migrationName(1), 'catalog-by-hand.db', 'catalog-2026-02-25.db.bak']
  assert.deepEqual(surplusCopies([...others, ...days]), [days[2], days[1], days[0]])
  assert.deepEqual(surplusCopies(days.slice(0, 7)), [])
})

test('backups: a copy is not made of the last room', () => {
  const mebibyte = 1024 * 1024
  assert.equal(hasRoom(100 * mebibyte, 10 * mebibyte), true)
  assert.equal(hasRoom(80 * mebibyte, 10 * mebibyte), false)
})
