import assert from 'node:assert/strict'
import { test } from 'node:test'
import { repairText, repairValue } from '../../../src/config/repair.ts'

const A = 'https://a.example'

// biome-ignore format: one case a line
const cases: [name: string, text: string, expected: string][] = [
  ['a value', `host: [${A}](${A})\n`, `host: ${A}\n`],
  ['a value with a comment behind it', `host: [${A}](${A}) # ours\n`, `host: ${A} # ours\n`],
  ['a value of a list', `- [${A}](${A})\n`, `- ${A}\n`],
  ['a value of a list that is further in', `  - [${A}](${A})`, `  - ${A}`],
  ['a value before CRLF', `host: [${A}](${A})\r\nb: 1\r\n`, `host: ${A}\r\nb: 1\r\n`],
  ['two values', `a: [${A}](${A})\nb: [x:1](x:1)\n`, `a: ${A}\nb: x:1\n`],
  ['a target with a slash that nobody wrote', `host: [${A}](${A}/)\n`, `host: ${A}\n`],
  ['a name for a target', `host: [our registry](${A})\n`, `host: [our registry](${A})\n`],
  ['a list', 'a: [b, c]\n', 'a: [b, c]\n'],
  ['a list before something else', 'a: [b](c) d\n', 'a: [b](c) d\n'],
  ['a host that became an address', 'host: [a.example](http://a.example)\n', 'host: a.example\n'],
  ['values of a list in one line', `a: [[${A}](${A}), b]\n`, `a: [${A}                     , b]\n`],
  ['a value in quotes', `host: "[${A}](${A})"\n`, `host: "${A}"\n`],
  ['a value between braces', `proxy: { url: [${A}](${A}), b: 1 }\n`, `proxy: { url: ${A}                     , b: 1 }\n`],
  ['another address under an address', `host: [https://b.example](${A})\n`, `host: [https://b.example](${A})\n`],
  ['a comment behind a value', `a: 1 # see [${A}](${A})\n`, `a: 1 # see [${A}](${A})\n`],
  ['a comment', `# see [${A}](${A}) for more\n`, `# see [${A}](${A}) for more\n`],
]

for (const [name, text, expected] of cases) {
  test(`repaired, ${name} is what was written, at the same places`, () => {
    const { text: repaired } = repairText(text)
    assert.equal(repaired.replaceAll(/ +(?= #|\r?$|\r?\n)/gm, ''), expected)
    assert.equal(repaired.length, text.length)
  })
}

test('a single value is repaired, or nothing is wrong with it', () => {
  assert.equal(repairValue(`[${A}](${A})`), A)
  assert.equal(repairValue(` [${A}](${A}) `), A)
  assert.equal(repairValue(A), undefined)
  assert.equal(repairValue('[a.lan](http://a.lan),localhost,[10.0.0.1](http://10.0.0.1/)'), 'a.lan,localhost,10.0.0.1')
  assert.equal(repairValue('[a, b]'), undefined)
})
