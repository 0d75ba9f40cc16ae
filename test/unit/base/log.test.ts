import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LOG_LEVELS, type LogLevel, openLog } from '../../../src/base/log.ts'
import { Secret } from '../../../src/base/secret.ts'

function logged(level: LogLevel = 'debug') {
  const lines: Record<string, unknown>[] = []
  const log = openLog({ level, write: (line) => lines.push(JSON.parse(line)) })
  return { log, lines }
}

describe('the log', () => {
  test('writes one object a line, with time, level, message and fields', () => {
    const { log, lines } = logged()
    log.info({ address: '127.0.0.1:5000' }, 'listening')
    const [{ time, ...rest } = {}] = lines
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.deepEqual(rest, { level: 'info', address: '127.0.0.1:5000', msg: 'listening' })
  })

  for (const [index, level] of LOG_LEVELS.entries()) {
    test(`at level ${level} writes ${LOG_LEVELS.slice(0, index + 1).join(', ')} and nothing else`, () => {
      const { log, lines } = logged(level)
      for (const at of LOG_LEVELS) log[at]({}, 'said')
      assert.deepEqual(
        lines.map((line) => line['level']),
        LOG_LEVELS.slice(0, index + 1),
      )
    })
  }

  test('keeps the fields of a child on its lines only', () => {
    const { log, lines } = logged()
    log.child({ request: 'r1' }).warn({}, 'slow')
    log.warn({}, 'slow')
    assert.deepEqual(
      lines.map((line) => line['request']),
      ['r1', undefined],
    )
  })

  test('writes an error with its message, stack and cause', () => {
    const { log, lines } = logged()
    log.error({ error: new Error('Commit failed', { cause: new Error('disk is full') }) }, 'fault')
    const error = lines[0]?.['error'] as Record<string, string>
    assert.match(String(error['message']), /Commit failed.*disk is full/)
    assert.match(String(error['stack']), /log\.test\.ts/)
  })

  test('writes a secret as ***, however deep it lies', () => {
    const { log, lines } = logged()
    const secret = new Secret('canary')
    log.info(
      { secret, inside: { list: [secret] }, error: Object.assign(new Error('no'), { secret }) },
      `with ${secret}`,
    )
    log.child({ secret }).info({}, 'from a child')
    const text = JSON.stringify(lines)
    assert.doesNotMatch(text, /canary/)
    assert.equal(text.match(/\*\*\*/g)?.length, 5)
  })
})
