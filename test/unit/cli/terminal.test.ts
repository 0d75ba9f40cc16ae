import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTerminal } from '../../../src/cli/terminal.ts'

function terminal({ isTTY, json = false }: { isTTY: boolean; json?: boolean }) {
  const written: string[] = []
  const stdout = { write: (text: string) => written.push(`out ${text}`) }
  const stderr = { isTTY, write: (text: string) => written.push(`err ${text}`) }
  return { terminal: openTerminal({ stdout, stderr, json }), written }
}

test('progress in a pipe is a line for each tenth, without control characters', () => {
  const { terminal: subject, written } = terminal({ isTTY: false })
  for (let done = 0; done <= 500; done += 1) subject.progress({ done, total: 500, what: 'repositories' })
  assert.equal(written.length, 11)
  assert.deepEqual([written[0], written.at(-1)], ['err repositories: 0 of 500\n', 'err repositories: 500 of 500\n'])
})

test('progress on a terminal is one line that changes, and makes way for what is said', () => {
  const { terminal: subject, written } = terminal({ isTTY: true })
  subject.progress({ done: 1, total: 2, what: 'links' })
  subject.progress({ done: 1, total: 2, what: 'links' })
  subject.progress({ done: 2, total: 2, what: 'links' })
  subject.note('done')
  subject.row({ name: 'a' })
  assert.deepEqual(written, [
    'err \r\u001b[Klinks: 1 of 2',
    'err \r\u001b[Klinks: 2 of 2',
    'err \r\u001b[K',
    'err done\n',
    'out a\n',
  ])
})

test('progress of nothing is whole', () => {
  const { terminal: subject, written } = terminal({ isTTY: false })
  subject.progress({ done: 0, total: 0, what: 'links' })
  assert.deepEqual(written, ['err links: 0 of 0\n'])
})

test('a value cannot break its line, or send an escape', () => {
  const { terminal: subject, written } = terminal({ isTTY: true })
  subject.row({ name: 'a\tb\n\u001b[31m\u009bc', size: 1, gone: false })
  assert.deepEqual(written, ['out a?b??[31m?c\t1\tfalse\n'])
})

test('with --json a value is whole', () => {
  const { terminal: subject, written } = terminal({ isTTY: true, json: true })
  subject.row({ name: 'a\tb', size: 1 })
  assert.deepEqual(written, ['out {"name":"a\\tb","size":1}\n'])
})

test('a paragraph is lines for a person, without escapes of others, and one of JSON for a program', () => {
  const lines = ['alpine: failed', '  why  \u001b[31mred']
  for (const [json, expected] of [
    [false, ['out alpine: failed\n', 'out   why  ?[31mred\n']],
    [true, ['out {"attempts":[{"ms":1}]}\n']],
  ] as const) {
    const { terminal: subject, written } = terminal({ isTTY: false, json })
    subject.paragraph({ attempts: [{ ms: 1 }] }, lines)
    assert.deepEqual(written, expected)
  }
})
