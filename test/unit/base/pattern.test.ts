import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstRefused, PatternTimeout, parsePattern } from '../../../src/base/pattern.ts'

describe('a pattern', () => {
  const read: readonly [pattern: string, yes: readonly string[], no: readonly string[]][] = [
    ['^https://cdn\\.example/', ['https://cdn.example/a'], ['https://cdnxexample/a', 'http://cdn.example/a']],
    ['(?i)^HTTPS://', ['https://a', 'HTTPS://a'], ['http://a']],
    ['^https://([a-z]+\\.)*example/', ['https://example/', 'https://a.b.example/'], ['https://example.com']],
    ['a\\\\1', ['a\\1'], ['aa']],
    ['\\(\\?=', ['(?='], ['?=']],
  ]
  for (const [pattern, yes, no] of read) {
    it(`like ${pattern} means what it means in Go`, () => {
      assert.deepEqual(
        [...yes, ...no].filter((text) => parsePattern(pattern).test(text)),
        yes,
      )
    })
  }

  const refused: readonly [pattern: string, why: RegExp][] = [
    ['(', /^cannot be read: /],
    ['\\A^x\\z', /^cannot be read: /],
    ['(?P<name>x)', /^cannot be read: /],
    ['[[:alpha:]]', /like \[\[:alpha:\]\]/],
    ['(a)\\1', /refers back/],
    ['a(?=b)', /ahead or behind/],
    ['(?<!a)b', /ahead or behind/],
  ]
  for (const [pattern, message] of refused) {
    it(`like ${pattern} is refused, as it means something else here, or nothing`, () => {
      assert.throws(() => parsePattern(pattern), { name: 'SyntaxError', message })
    })
  }
})

describe('rules of what is let through', () => {
  const rules = (allow: readonly string[], deny: readonly string[]) => {
    return { allow: allow.map(parsePattern), deny: deny.map(parsePattern) }
  }
  const texts = ['https://a/1', 'https://b/1', 'https://a/2']
  const cases: readonly [name: string, rules: ReturnType<typeof rules>, refused: string | undefined][] = [
    ['without any, everything', rules([], []), undefined],
    ['what one of those that allow matches', rules(['//a/', '//b/'], []), undefined],
    ['nothing that none of them matches', rules(['//a/'], []), 'https://b/1'],
    ['nothing that is denied, allowed or not', rules(['//a/', '//b/'], ['2$']), 'https://a/2'],
  ]
  for (const [name, given, refusedText] of cases) {
    it(name, () => assert.equal(firstRefused(texts, given), refusedText))
  }

  it('gives up a comparison that would take for ever', () => {
    assert.throws(() => firstRefused([`${'a'.repeat(60)}!`], rules(['^(a+)+$'], [])), PatternTimeout)
  })
})
