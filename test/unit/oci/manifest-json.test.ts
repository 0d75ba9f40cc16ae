import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectFrom, strictObjectFrom } from '../../../src/oci/manifest-json.ts'

const MEBIBYTES_4 = 4 * 1024 * 1024

/** As many of them as 4 MiB have room for. */
function many(unit: (index: number) => string, [before, behind]: readonly [string, string]): string {
  const units: string[] = []
  for (let length = 0; length < MEBIBYTES_4 - 100; ) {
    const next = unit(units.length)
    length += next.length + 1
    units.push(next)
  }
  return before + units.join(',') + behind
}

const LIST = ['{"a":[', ']}'] as const
const OBJECT = ['{"a":{', '}}'] as const

// biome-ignore format: one case a line
const refused: { name: string; text: string; because: RegExp }[] = [
  { name: '65 levels', text: `{"a":${'['.repeat(64)}${']'.repeat(64)}}`, because: /deeper than 64/ },
  { name: '10,000 levels', text: `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, because: /deeper than 64/ },
  { name: '10,000 levels of objects', text: `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, because: /deeper than 64/ },
  { name: '4 MiB of opening brackets', text: '['.repeat(MEBIBYTES_4), because: /deeper than 64/ },
  { name: '4 MiB of empty objects', text: many(() => '{}', LIST), because: /more than 50000 values/ },
  { name: '4 MiB of numbers', text: many(() => '1', LIST), because: /more than 50000 values/ },
  { name: '4 MiB of keys', text: many((index) => `"k${index}":0`, OBJECT), because: /more than 50000 values/ },
  { name: '4 MiB of keys that are numbers', text: many((index) => `"${index * 7919}":0`, OBJECT), because: /more than 50000 values/ },
  { name: '4 MiB of one key', text: many(() => '"k":0', OBJECT), because: /'k' twice/ },
  { name: 'a key that comes twice', text: '{"config":1,"config":2}', because: /'config' twice/ },
  { name: 'a key that comes twice further down', text: '{"a":[{"b":{"digest":1,"x":[],"digest":2}}]}', because: /'digest' twice/ },
  { name: 'a key that comes twice, once escaped', text: '{"config":1,"\\u0063onfig":2}', because: /'config' twice/ },
  { name: 'a key that comes twice, with quotes in it', text: '{"a\\"b":1,"a\\u0022b":2}', because: /'a"b' twice/ },
  { name: '__proto__ twice', text: '{"__proto__":1,"__proto__":2}', because: /'__proto__' twice/ },
  { name: 'a key of 4 MiB, twice', text: `{"${'x'.repeat(2_000_000)}":1,"${'x'.repeat(2_000_000)}":2}`, because: /'x{80}' twice/ },
  { name: 'layers in capitals, which Go takes for layers', text: '{"LAYERS":[]}', because: /take for 'layers'/ },
  { name: 'a mediaType in small letters', text: '{"mediaType":"a/b","mediatype":"c/d"}', because: /take for 'mediaType'/ },
  { name: 'a long s, which Go folds', text: '{"layer\u017f":[]}', because: /take for 'layers'/ },
  { name: 'a digest in capitals in a descriptor', text: '{"config":{"digest":"x","Digest":"y"}}', because: /take for 'digest'/ },
  { name: 'a size in capitals in a list', text: '{"layers":[{},{"SIZE":1}]}', because: /take for 'size'/ },
  { name: 'invalid UTF-8', text: '\xff', because: /no UTF-8/ },
  { name: 'UTF-8 that is longer than it need be', text: '{"\xc0\xaf":1}', because: /no UTF-8/ },
  { name: 'a surrogate in UTF-8', text: '{"\xed\xa0\x80":1}', because: /no UTF-8/ },
  { name: 'a string without its end', text: '{"a', because: /no JSON/ },
  { name: 'a string that ends in a backslash', text: '{"a\\', because: /no JSON/ },
  { name: 'an escape that is none, in a key', text: '{"\\x":1}', because: /no JSON/ },
  { name: 'two objects', text: '{}{}', because: /no JSON/ },
  { name: 'NaN', text: '{"a":NaN}', because: /no JSON/ },
  { name: 'a comment', text: '{/* a */}', because: /no JSON/ },
  { name: 'a number', text: '1', because: /no JSON object/ },
]

for (const { name, text, because } of refused) {
  test(`manifest JSON: ${name} is refused (D-26)`, () => {
    assert.throws(() => strictObjectFrom(Buffer.from(text, text.startsWith('{"layer\u017f') ? 'utf8' : 'latin1')), {
      name: 'Refusal',
      kind: 'manifest-invalid',
      message: because,
    })
  })
}

// biome-ignore format: one case a line
const taken: { name: string; text: string }[] = [
  { name: '64 levels', text: `{"a":${'['.repeat(63)}${']'.repeat(63)}}` },
  { name: 'one key in two objects', text: '{"a":{"b":1},"c":{"b":1}}' },
  { name: 'one key in two objects of a list', text: '{"a":[{"b":1},{"b":1}]}' },
  { name: 'a key that is a text elsewhere', text: '{"a":"b","b":["a","a",{"a":1}]}' },
  { name: 'annotations that differ by their case', text: '{"annotations":{"a":"1","A":"2","Layers":"3"}}' },
  { name: 'brackets, commas and quotes in texts', text: `{"a":"${'[{,\\"'.repeat(100_000)}\\\\","b":1}` },
  { name: 'backslashes in a row', text: `{"a":"${'\\\\'.repeat(1_000_000)}","b":1}` },
  { name: '__proto__ as any other key', text: '{"__proto__":{"config":1},"constructor":2}' },
  { name: 'spaces wherever they may be', text: ' \n{ "a" \t: [ 1 , { "b" : null } ] } ' },
]

for (const { name, text } of taken) {
  test(`manifest JSON: ${name} is read`, () => {
    assert.deepEqual(strictObjectFrom(Buffer.from(text)), JSON.parse(text))
    assert.deepEqual(objectFrom(Buffer.from(text)), JSON.parse(text))
  })
}

test('manifest JSON: what another registry took before is read as clients read it', () => {
  assert.deepEqual(objectFrom(Buffer.from('{"a":1,"a":2,"Layers":[]}')), { a: 2, Layers: [] })
})
