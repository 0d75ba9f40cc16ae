import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openLogOutput } from '../../../src/base/log-output.ts'

/** A stream that takes what it is given when it is told to, and not before. */
function pipe({ full = false } = {}) {
  const taken: string[] = []
  let held: { text: string; done: (error?: Error) => void } | undefined
  return {
    taken,
    full,
    get writableLength() {
      return held?.text.length ?? 0
    },
    write(text: string, done: (error?: Error) => void) {
      if (this.full) held = { text, done }
      else {
        taken.push(text)
        done()
      }
      return !this.full
    },
    on: () => undefined,
    /** Somebody reads. */
    flow(error?: Error) {
      this.full = false
      const { text = '', done } = held ?? {}
      held = undefined
      taken.push(text)
      done?.(error)
    },
  }
}

const lost = (lines: number) => `lost ${lines}\n`

describe('lines of the log on their way out', () => {
  test('wait for each other for a moment', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const stream = pipe()
    const output = openLogOutput(stream, lost)
    output.write('one\n', false)
    output.write('two\n', false)
    assert.deepEqual(stream.taken, [])
    t.mock.timers.tick(10)
    assert.deepEqual(stream.taken, ['one\ntwo\n'])
  })

  test('do not wait where many came', () => {
    const stream = pipe()
    const output = openLogOutput(stream, lost)
    for (let index = 0; index < 17; index += 1) output.write(`${'x'.repeat(1023)}\n`, false)
    assert.equal(stream.taken.join('').length, 16 * 1024)
    output.flush()
    assert.equal(stream.taken.join('').length, 17 * 1024)
  })

  test('are out at once with one that is urgent, and in order', () => {
    const stream = pipe()
    const output = openLogOutput(stream, lost)
    output.write('one\n', false)
    output.write('two\n', true)
    assert.deepEqual(stream.taken, ['one\ntwo\n'])
  })

  test('wait for a reader, up to a limit, and then say how many are lost', () => {
    const stream = pipe({ full: true })
    const output = openLogOutput(stream, lost)
    const line = `${'x'.repeat(1024 * 1024 - 1)}\n`
    output.write('first\n', true)
    for (let index = 0; index < 10; index += 1) output.write(line, false)
    assert.deepEqual(stream.taken, [])
    stream.flow()
    const text = stream.taken.join('')
    assert.match(text, /^first\nx+\n/)
    assert.match(text, /\nlost 5\n$/)
    assert.equal(text.length, 'first\n'.length + 5 * line.length + 'lost 5\n'.length)
  })

  test('are given up where the reader is gone, and the next ones tried', () => {
    const stream = pipe({ full: true })
    const output = openLogOutput(stream, lost)
    output.write('one\n', true)
    stream.flow(new Error('EPIPE'))
    output.write('two\n', true)
    assert.deepEqual(stream.taken, ['one\n', 'two\n'])
  })

  test('are given up where a file cannot take them', () => {
    const output = openLogOutput(
      {
        writableLength: 0,
        write() {
          throw new Error('ENOSPC')
        },
        on: () => undefined,
      },
      lost,
    )
    output.write('one\n', true)
  })
})
