import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LOG_LEVELS, type LogLevel, openLog } from '../../../src/base/log.ts'
import type { LogFormatter } from '../../../src/base/log-line.ts'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { Secret } from '../../../src/base/secret.ts'

function logged(level: LogLevel = 'debug') {
  const lines: Record<string, unknown>[] = []
  const log = openLog({ level, write: (line) => lines.push(JSON.parse(line)) })
  return { log, lines }
}

function linesAs(formatter: LogFormatter, fields = {}) {
  const lines: string[] = []
  const log = openLog({ level: 'debug', formatter, fields, write: (line) => lines.push(line) })
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
      for (const at of LOG_LEVELS) log[at]({}, at)
      assert.deepEqual(
        lines.map((line) => line['msg']),
        LOG_LEVELS.slice(0, index + 1),
      )
    })
  }

  test('calls a warning what registry:2 calls it', () => {
    const { log, lines } = logged()
    log.warn({}, 'hot')
    assert.equal(lines[0]?.['level'], 'warning')
  })

  test('takes another level from now on, and its children with it', () => {
    const { log, lines } = logged('warn')
    const child = log.child({})
    log.setLevel('debug')
    log.debug({}, 'one')
    child.debug({}, 'two')
    child.setLevel('error')
    log.warn({}, 'three')
    assert.deepEqual(
      lines.map((line) => line['msg']),
      ['one', 'two'],
    )
  })

  test('keeps the fields of a child on its lines only', () => {
    const { log, lines } = logged()
    log.child({ request: 'r1' }).warn({}, 'slow')
    log.warn({}, 'slow')
    assert.deepEqual(
      lines.map((line) => line['request']),
      ['r1', undefined],
    )
  })

  test('what is done within fields has them on its lines, whoever writes them and however late', async () => {
    const { log, lines } = logged()
    const child = log.child({ of: 'child' })
    const later = async (text: string) => {
      await new Promise((resolve) => setImmediate(resolve))
      child.info({}, text)
    }
    await Promise.all([
      log.within({ id: 1 }, () => later('one')),
      log.within({ id: 2 }, () => log.within({ inner: true }, () => later('two'))),
    ])
    child.info({}, 'outside')
    assert.deepEqual(
      lines.map(({ msg, id, inner }) => [msg, id, inner]),
      [
        ['one', 1, undefined],
        ['two', 2, true],
        ['outside', undefined, undefined],
      ],
    )
  })

  test('writes what an operator can put right with its remedy, and without a stack', () => {
    const { log, lines } = logged()
    log.warn({ job: 'a copy', error: new OperatorError('There is no room', 'make some') }, 'a job has failed')
    const { time: _, ...rest } = lines[0] ?? {}
    const told = { error: 'There is no room', hint: 'make some' }
    assert.deepEqual(rest, { level: 'warning', msg: 'a job has failed', job: 'a copy', ...told })
  })

  test('writes the fault after which closing failed, too', () => {
    const { log, lines } = logged()
    log.error({ error: new SuppressedError(new Error('cannot close'), new Error('the disk is gone')) }, 'fault')
    assert.match(String(lines[0]?.['error']), /: Error: the disk is gone$/)
  })

  test('writes an error with its message, its stack and its causes', () => {
    const { log, lines } = logged()
    const cause = Object.assign(new Error('disk is full'), { code: 'ENOSPC' })
    log.error({ error: new Error('Commit failed', { cause }) }, 'fault')
    assert.equal(lines[0]?.['error'], 'Error: Commit failed: Error: disk is full (ENOSPC)')
    assert.match(
      String(lines[0]?.['stack']),
      /Commit failed\n {4}at .*log\.test\.ts[\s\S]*caused by Error: disk is full/,
    )
  })

  test('writes a secret as ***, however deep it lies, in every format', () => {
    for (const formatter of ['json', 'logstash', 'text'] as const) {
      const { log, lines } = linesAs(formatter)
      const secret = new Secret('canary')
      const error = Object.assign(new Error('no'), { secret })
      log.info({ secret, inside: { list: [secret] }, error }, `with ${secret}`)
      log.child({ secret }).info({}, 'from a child')
      log.within({ secret }, () => log.info({}, 'within'))
      assert.doesNotMatch(lines.join(''), /canary/)
      assert.equal(lines.join('').match(/\*\*\*/g)?.length, 5, formatter)
    }
  })

  test('writes what JSON cannot say, too', () => {
    const { log, lines } = logged()
    const round: { again?: unknown } = {}
    round.again = round
    log.info({ round, whole: 12n }, 'odd')
    assert.deepEqual([lines[0]?.['round'], lines[0]?.['whole']], [{ again: '[seen]' }, '12'])
  })
})

/** A line without its time, which is as RFC 3339 has it. */
function timeless(line = ''): string {
  return line.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/, 'TIME')
}

describe('the formats', () => {
  const fields = { service: 'registry', level: 'mine' }

  // biome-ignore format: one format a line
  const written = [
    ['json', '{"level":"info","msg":"it \\"is\\"\\nso","time":"TIME","service":"registry","fields.level":"mine","count":1,"at":"x:1"}'],
    ['logstash', '{"@timestamp":"TIME","@version":"1","level":"info","message":"it \\"is\\"\\nso","service":"registry","fields.level":"mine","count":1,"at":"x:1"}'],
    ['text', 'time="TIME" level=info msg="it \\"is\\"\\nso" service=registry fields.level=mine count=1 at="x:1"'],
  ] as const

  for (const [formatter, expected] of written) {
    test(`${formatter} is as logrus writes it: one line, whatever is said`, () => {
      const { log, lines } = linesAs(formatter, fields)
      log.info({ count: 1, at: 'x:1', gone: undefined }, 'it "is"\nso')
      assert.equal(timeless(lines[0]), `${expected}\n`)
    })
  }

  for (const formatter of ['json', 'logstash'] as const) {
    test(`${formatter} never has a name twice`, () => {
      const { log, lines } = linesAs(formatter, fields)
      log.info({ service: 'other', msg: 'm', message: 'n', level: 'l', time: 't' }, 'said')
      const names = [...(lines[0] ?? '').matchAll(/"([^"]+)":/g)].map(([, name]) => name)
      assert.equal(new Set(names).size, names.length, lines[0])
      assert.equal(JSON.parse(lines[0] ?? '').service, 'other')
    })
  }
})
