import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readNoProxy } from '../../../src/egress/no-proxy.ts'

const TABLE: readonly {
  readonly entry: string
  readonly direct: readonly string[]
  readonly not?: readonly string[]
}[] = [
  { entry: '*', direct: ['https://a.example', 'http://192.0.2.1:8080', 'https://[2001:db8::1]'] },
  { entry: ' * ', direct: ['https://a.example'] },
  { entry: 'other.example,*', direct: ['https://a.example'] },
  {
    entry: 'ex.com',
    direct: ['https://ex.com', 'https://a.ex.com', 'https://a.b.ex.com:8443', 'https://EX.com', 'https://ex.com.'],
    not: ['https://notex.com', 'https://ex.com.evil.example', 'https://ex.co'],
  },
  {
    entry: '.ex.com',
    direct: ['https://a.ex.com', 'https://a.b.ex.com'],
    not: ['https://ex.com', 'https://notex.com'],
  },
  { entry: '*.ex.com', direct: ['https://a.ex.com'], not: ['https://ex.com', 'https://notex.com'] },
  { entry: 'EX.Com.', direct: ['https://ex.com', 'https://a.ex.com'], not: ['https://com'] },
  {
    entry: 'host:8443',
    direct: ['https://host:8443', 'https://a.host:8443'],
    not: ['https://host', 'https://host:443', 'https://host:18443'],
  },
  { entry: 'host:443', direct: ['https://host'], not: ['http://host'] },
  { entry: 'host:80', direct: ['http://host'], not: ['https://host'] },
  { entry: '.host:8443', direct: ['https://a.host:8443'], not: ['https://host:8443', 'https://a.host'] },
  { entry: '10.0.0.0/8', direct: ['https://10.255.0.1', 'https://[::ffff:10.0.0.1]'], not: ['https://11.0.0.1'] },
  { entry: '10.1.2.3', direct: ['https://10.1.2.3', 'http://10.1.2.3:5000'], not: ['https://10.1.2.4'] },
  { entry: '10.1.2.3:5000', direct: ['http://10.1.2.3:5000'], not: ['https://10.1.2.3'] },
  { entry: '::ffff:10.1.2.3', direct: ['https://10.1.2.3', 'https://[::ffff:a01:203]'], not: ['https://10.1.2.4'] },
  { entry: 'fd00::1', direct: ['https://[fd00::1]', 'https://[fd00:0:0::1]'], not: ['https://[fd00::2]'] },
  { entry: '[fd00::1]', direct: ['https://[fd00::1]:5000'] },
  { entry: '[fd00::1]:443', direct: ['https://[fd00::1]'], not: ['https://[fd00::1]:444', 'http://[fd00::1]'] },
  { entry: 'fd00::/8', direct: ['https://[fdab::1]'], not: ['https://[fe00::1]', 'https://10.0.0.1'] },
  { entry: 'a.example b.example,,c.example', direct: ['https://a.example', 'https://b.example', 'https://c.example'] },
  // A name is not resolved for an address, and an address is no name.
  { entry: '0.0.0.0/0', direct: ['https://192.0.2.1'], not: ['https://a.example', 'https://[2001:db8::1]'] },
]

for (const { entry, direct, not = [] } of TABLE) {
  test(`NO_PROXY: '${entry}' means what is documented (FC-46)`, () => {
    const rules = readNoProxy([entry])
    assert.deepEqual(rules.unread, [])
    for (const url of direct) assert.ok(rules.ruleFor(new URL(url)) !== undefined, `${url} is direct`)
    for (const url of not) assert.equal(rules.ruleFor(new URL(url)), undefined, `${url} is not direct`)
  })
}

test('NO_PROXY: loopback is direct without an entry (FC-46)', () => {
  const rules = readNoProxy([])
  const loopback = [
    'http://localhost:5000',
    'http://LOCALHOST.',
    'http://a.localhost',
    'http://127.9.9.9',
    'http://[::1]:1',
  ]
  for (const url of [...loopback, 'http://[::ffff:127.0.0.1]']) {
    assert.equal(rules.ruleFor(new URL(url)), 'loopback', url)
  }
  for (const url of ['http://notlocalhost', 'http://128.0.0.1', 'http://localhost.example']) {
    assert.equal(rules.ruleFor(new URL(url)), undefined, url)
  }
})

test('NO_PROXY: what cannot be read is told, and means nothing (FC-46)', () => {
  const unread = [
    ...['http://ex.com', 'ex.com/path', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/8:443', 'fd00::/129', '[::1', '1.2.3'],
    ...['ex.com:99999', 'ex.com:', 'a*.ex.com', '*ex.com', 'ex..com', '-a.example', 'fd00::1:zz', '.', '[ex.com]:443'],
  ]
  const rules = readNoProxy([unread.join(','), 'ex.net'])
  assert.deepEqual(rules.unread, unread)
  assert.equal(rules.ruleFor(new URL('https://ex.com')), undefined)
  assert.equal(rules.ruleFor(new URL('https://ex.net')), 'ex.net')
})

test('NO_PROXY: it tells which entry decided, as it was written', () => {
  const rules = readNoProxy(['.Lan, 10.0.0.0/8'])
  assert.equal(rules.ruleFor(new URL('https://reg.lan')), '.Lan')
  assert.equal(rules.ruleFor(new URL('https://10.0.0.1')), '10.0.0.0/8')
})
