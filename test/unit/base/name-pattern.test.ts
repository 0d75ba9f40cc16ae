import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { namePatternProblem, parseNamePattern } from '../../../src/base/name-pattern.ts'

suite('a pattern of names', () => {
  // biome-ignore format: one case a line
  const CASES: readonly (readonly [pattern: string, names: readonly string[], others: readonly string[]])[] = [
    ['apps', ['apps'], ['apps/web', 'app', 'appss', 'x/apps']],
    ['*', ['apps', 'a'], ['apps/web']],
    ['**', ['apps', 'apps/web', 'a/b/c/d'], []],
    ['apps/*', ['apps/web'], ['apps', 'apps/web/deep', 'app/web']],
    ['apps/**', ['apps', 'apps/web', 'apps/web/deep'], ['apps2/web', 'x/apps/web']],
    ['**/web', ['web', 'a/web', 'a/b/web'], ['web/a', 'aweb', 'a/webs']],
    ['apps/**/web', ['apps/web', 'apps/a/web', 'apps/a/b/web'], ['apps', 'apps/web/a']],
    ['*/web', ['a/web'], ['web', 'a/b/web']],
    ['apps/web-*', ['apps/web-1', 'apps/web-'], ['apps/web', 'apps/web-1/a']],
    ['*-web', ['my-web', 'a-b-web'], ['web', 'my-web-2']],
    ['a*b*c', ['abc', 'axbxc', 'abbcc'], ['ab', 'acb', 'abcd', 'ac']],
    ['a*a', ['aa', 'aba'], ['a']],
    ['docker.io/library/*', ['docker.io/library/alpine'], ['docker.io/library', 'docker-io/library/alpine', 'ghcr.io/library/alpine']],
    ['lab.lan:5000/**', ['lab.lan:5000/a'], ['lab.lan/a']],
  ]
  for (const [pattern, names, others] of CASES) {
    test(`${pattern} is ${names.join(', ')}, and not ${others.join(', ')}`, () => {
      const { matches } = parseNamePattern(pattern)
      assert.deepEqual(
        names.filter((name) => !matches(name)),
        [],
      )
      assert.deepEqual(others.filter(matches), [])
    })
  }

  test('takes time by its length, and no more, whatever a name looks like', () => {
    const { matches } = parseNamePattern(`${'**/'.repeat(40)}x`)
    assert.equal(matches('a/'.repeat(120).slice(0, -1)), false)
    assert.equal(parseNamePattern(`${'*a'.repeat(50)}*b`).matches('a'.repeat(250)), false)
  })

  test('means these repositories in particular, if its first component is written out', () => {
    const specific = ['library/nginx', 'library/**', 'a/*'].map((text) => parseNamePattern(text).specific)
    const general = ['**', '*', '**/nginx', 'lib*/nginx'].map((text) => parseNamePattern(text).specific)
    assert.deepEqual([...specific, ...general], [true, true, true, false, false, false, false])
  })

  for (const text of ['', '/a', 'a/', 'a//b', 'A', 'a b', 'a***', '***', 'a/**b', '-a', 'a-', '.', '..', 'a\n', 'ä']) {
    test(`${JSON.stringify(text)} is none`, () => {
      assert.notEqual(namePatternProblem(text), undefined)
      assert.throws(() => parseNamePattern(text), TypeError)
    })
  }
})
