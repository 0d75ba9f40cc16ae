import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Plan, parseChallenges, planFor } from '../../../src/upstream/challenge.ts'

const OURS = 'repository:library/a:pull'

// biome-ignore format: one case a line
const PLANS: readonly [string, string | string[] | undefined, Plan | undefined][] = [
  ['quoted values', 'Bearer realm="https://auth.example/token",service="reg.example",scope="repository:library/a:pull"', { kind: 'bearer', realm: 'https://auth.example/token', service: 'reg.example', scope: OURS }],
  ['bare values', 'Bearer realm=https://auth.example/token,service=reg.example', { kind: 'bearer', realm: 'https://auth.example/token', service: 'reg.example', scope: OURS }],
  ['any case', 'BEARER Realm="https://a/t", SERVICE="s"', { kind: 'bearer', realm: 'https://a/t', service: 's', scope: OURS }],
  ['blanks around', '  Bearer   realm = "https://a/t" , service = "s"  ', { kind: 'bearer', realm: 'https://a/t', service: 's', scope: OURS }],
  ['commas inside of quotes', 'Bearer realm="https://a/t?x=1,2",service="a, b"', { kind: 'bearer', realm: 'https://a/t?x=1,2', service: 'a, b', scope: OURS }],
  ['escaped quotes', 'Bearer realm="https://a/\\"t\\"",service="s"', { kind: 'bearer', realm: 'https://a/"t"', service: 's', scope: OURS }],
  ['no scope: ours is built', 'Bearer realm="https://a/t",service="s"', { kind: 'bearer', realm: 'https://a/t', service: 's', scope: OURS }],
  ['a scope of another form is taken (public.ecr.aws)', 'Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"', { kind: 'bearer', realm: 'https://public.ecr.aws/token/', service: 'public.ecr.aws', scope: 'aws' }],
  ['a scope of another name is taken, but for pulling alone', 'Bearer realm="https://a/t",scope="repository:proxy/library/a:pull,push"', { kind: 'bearer', realm: 'https://a/t', service: '', scope: 'repository:proxy/library/a:pull' }],
  ['a name with a port in it', 'Bearer realm="https://a/t",scope="repository:host:5000/a:delete"', { kind: 'bearer', realm: 'https://a/t', service: '', scope: 'repository:host:5000/a:pull' }],
  ['several scopes, each for pulling alone', 'Bearer realm="https://a/t",scope="repository:a:push repository:b:*"', { kind: 'bearer', realm: 'https://a/t', service: '', scope: 'repository:a:pull repository:b:pull' }],
  ['Basic', 'Basic realm="Registry"', { kind: 'basic' }],
  ['several challenges in one header: a token before a password', 'Basic realm="r", Bearer realm="https://a/t",service="s"', { kind: 'bearer', realm: 'https://a/t', service: 's', scope: OURS }],
  ['several headers', ['Basic realm="r"', 'Bearer realm="https://a/t"'], { kind: 'bearer', realm: 'https://a/t', service: '', scope: OURS }],
  ['a token68 of a scheme that we do not speak', 'Negotiate YII==, Basic realm="r"', { kind: 'basic' }],
  ['a scheme that we do not speak', 'Digest realm="r",nonce="n"', undefined],
  ['a Bearer without a realm', 'Bearer service="s"', undefined],
  ['an empty header', '', undefined],
  ['none', undefined, undefined],
  ['an unclosed quote ends the reading', 'Basic realm="r", Bearer realm="https://a/t', { kind: 'basic' }],
  ['the first of two values counts', 'Bearer realm="https://a/t",realm="https://evil/t"', { kind: 'bearer', realm: 'https://a/t', service: '', scope: OURS }],
  ['a name of every object is no value', 'Bearer __proto__="x",realm="https://a/t",constructor="y"', { kind: 'bearer', realm: 'https://a/t', service: '', scope: OURS }],
]

for (const [name, header, plan] of PLANS) {
  test(`a challenge: ${name}`, () => {
    assert.deepEqual(planFor(parseChallenges(header), 'library/a'), plan)
  })
}

test('a hostile challenge costs no more than a glance', () => {
  for (const text of ['Bearer '.repeat(9_000), '"\\'.repeat(30_000), 'a='.repeat(30_000), ' ,'.repeat(30_000)]) {
    assert.ok(parseChallenges(text).length < 10_000)
  }
})
