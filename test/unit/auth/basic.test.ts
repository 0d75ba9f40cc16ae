import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBasic } from '../../../src/auth/basic.ts'

const encoded = (pair: string, encoding: BufferEncoding = 'utf8') => Buffer.from(pair, encoding).toString('base64')

// biome-ignore format: one case a line
const cases: [name: string, header: string | undefined, credentials: [string, string] | undefined][] = [
  ['an account and a password', `Basic ${encoded('ann:secret')}`, ['ann', 'secret']],
  ['the scheme in any case', `bAsIc ${encoded('ann:secret')}`, ['ann', 'secret']],
  ['several spaces', `Basic   ${encoded('ann:secret')} `, ['ann', 'secret']],
  ['a password with colons', `Basic ${encoded('ann:a:b:')}`, ['ann', 'a:b:']],
  ['an empty password', `Basic ${encoded('ann:')}`, ['ann', '']],
  ['an empty account', `Basic ${encoded(':secret')}`, ['', 'secret']],
  ['UTF-8', `Basic ${encoded('jürgen:pässwörd€')}`, ['jürgen', 'pässwörd€']],
  ['a byte order mark, which is part of the name', `Basic ${encoded('\ufeffann:x')}`, ['\ufeffann', 'x']],
  ['no padding', 'Basic YW5uOng', ['ann', 'x']],
  ['nothing', undefined, undefined],
  ['an empty header', '', undefined],
  ['the empty pair of podman and skopeo', 'Basic Og==', undefined],
  ['no colon', `Basic ${encoded('ann')}`, undefined],
  ['no credentials', 'Basic', undefined],
  ['bytes that are no UTF-8', `Basic ${encoded('ann:pä', 'latin1')}`, undefined],
  ['letters that are no base64', 'Basic YW5u*ng=', undefined],
  ['more after it', `Basic ${encoded('ann:x')} more`, undefined],
  ['another scheme', 'Bearer YW5uOng=', undefined],
]

for (const [name, header, credentials] of cases) {
  test(`basic: ${name} is ${credentials === undefined ? 'no' : 'a pair of'} credentials`, () => {
    const parsed = parseBasic(header)
    assert.deepEqual(parsed && [parsed.account, parsed.password.reveal()], credentials)
  })
}
