import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHtpasswd } from '../../../src/auth/htpasswd.ts'
import { accountProblem, accountsIn, passwordProblem, withoutUser, withUser } from '../../../src/auth/htpasswd-edit.ts'

// biome-ignore format: one case a line
const written: [name: string, before: string, after: string][] = [
  ['an empty file', '', 'ann:NEW\n'],
  ['a file without her', 'bob:x\n', 'bob:x\nann:NEW\n'],
  ['a file that ends without a newline', 'bob:x', 'bob:x\nann:NEW\n'],
  ['a file of Windows', 'bob:x\r\n', 'bob:x\r\nann:NEW\r\n'],
  ['a file with her', '# all\nann:old\n\nbob:x\n', '# all\nann:NEW\n\nbob:x\n'],
  ['a file with her, of Windows', 'ann:old\r\nbob:x\r\n', 'ann:NEW\r\nbob:x\r\n'],
  ['a file of both endings', 'ann:old\nbob:x\r\n', 'ann:NEW\nbob:x\r\n'],
  ['a file with her at an end without a newline', 'bob:x\nann:old', 'bob:x\nann:NEW\n'],
  ['a file with her twice: the last place counts', 'ann:1\nbob:x\n ann:2\ncid:y\n', 'bob:x\nann:NEW\ncid:y\n'],
  ['a file with her under another hash', 'ann:$apr1$x$y\n', 'ann:NEW\n'],
  ['foreign lines', ' # ann:old\nnonsense\n:x\nannabel:x\nAnn:x\n\u00e4:{SHA}x', ' # ann:old\nnonsense\n:x\nannabel:x\nAnn:x\n\u00e4:{SHA}x\nann:NEW\n'],
  ['a byte order mark', '\ufeffann:old\n', 'ann:NEW\n'],
]

for (const [name, before, after] of written) {
  test(`htpasswd: ann is written to ${name}`, () => assert.equal(withUser(before, 'ann', 'NEW'), after))
}

test('htpasswd: every line of a user goes, and all others stay as they are', () => {
  const text = '# ann:x\r\nann:1\n\nbob:x\n ann:$apr1$\nnonsense\nannabel:y'
  assert.equal(withoutUser(text, 'ann'), '# ann:x\r\n\nbob:x\nnonsense\nannabel:y')
  assert.deepEqual([...accountsIn(text)], ['ann', 'bob', 'annabel'])
})

test('htpasswd: what was written is what is read', () => {
  const hash = `$2y$10$${'x'.repeat(53)}`
  for (const account of ['ann', 'j\u00fcrgen', '__proto__', 'a b', '\u65e5\u672c', 'a#b', '$&']) {
    assert.equal(accountProblem(account), undefined)
    const { users, leftOut } = parseHtpasswd(withUser('# all\nbob', account, hash))
    assert.deepEqual([...users], [[account, hash]])
    assert.deepEqual(leftOut.length, 1)
  }
})

// biome-ignore format: one case a line
const names: [name: string, problem: RegExp][] = [
  ['', /not empty/],
  ['a:b', /colon/],
  ['a\nb', /control/],
  ['a\tb', /control/],
  ['a\u0000b', /control/],
  ['a\u0085b', /control/],
  [' ann', /space/],
  ['ann\u00a0', /space/],
  ['#ann', /comment/],
  ['x'.repeat(256), /255 bytes/],
]

for (const [name, problem] of names) {
  test(`htpasswd: ${JSON.stringify(name.slice(0, 20))} is no name`, () =>
    assert.match(accountProblem(name) ?? '', problem))
}

// biome-ignore format: one case a line
const passwords: [name: string, password: string, problem: RegExp | undefined][] = [
  ['one of 72 bytes', 'x'.repeat(72), undefined],
  ['one of 73 bytes', 'x'.repeat(73), /72 bytes.*has 73/],
  ['one of 37 letters, 74 bytes', '\u00e4'.repeat(37), /72 bytes.*has 74/],
  ['spaces at its ends', ' a b ', undefined],
  ['an empty one', '', /not empty/],
  ['two lines', 'canary\nb', /one line/],
  ['a NUL, at which bcrypt may stop', 'canary\u0000b', /control/],
  ['an arrow key', 'canary\u001b[A', /control/],
]

for (const [name, password, problem] of passwords) {
  test(`htpasswd: ${name} is ${problem === undefined ? 'a' : 'no'} password, and is not told`, () => {
    const told = passwordProblem(password)
    if (problem === undefined) assert.equal(told, undefined)
    else assert.match(told ?? '', problem)
    assert.doesNotMatch(told ?? '', /canary/)
  })
}
