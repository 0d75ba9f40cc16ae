import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import {
  type Answer,
  codeOf,
  type RequestOptions,
  type TestRegistry,
  type TestRegistryOptions,
  testRegistry,
} from '../helpers/test-registry.ts'

/** What an answer must be; what is left out may be anything. */
export interface Expected {
  readonly status: number
  /** The code in the body of an error. */
  readonly code?: string
  /** `undefined`: must not be there. */
  readonly has?: Readonly<Record<string, string | RegExp | undefined>>
  readonly text?: string | RegExp
  readonly bytes?: Uint8Array
}

export function assertAnswer(answer: Answer, { status, code, has = {}, text, bytes }: Expected): void {
  assert.equal(answer.status, status, answer.text.slice(0, 400))
  if (code !== undefined) assert.equal(codeOf(answer), code)
  for (const [name, value] of Object.entries(has)) {
    const found = answer.headers[name]
    if (value instanceof RegExp) assert.match(String(found), value, name)
    else assert.equal(found, value, name)
  }
  if (text instanceof RegExp) assert.match(answer.text, text)
  else if (text !== undefined) assert.equal(answer.text, text)
  if (bytes !== undefined) assert.ok(answer.bytes.equals(bytes), 'the bytes differ')
}

/** A row of a table: one request to a prepared registry. */
export interface Case extends Expected, RequestOptions {
  /** The numbered statement about the protocol, or the threat (T), that it shows. */
  readonly of: string
  readonly name: string
  readonly send: string
}

/** Runs the rows on one prepared registry: a row must not depend on what another leaves behind. */
export function table(
  topic: string,
  { options = {}, prepare }: { options?: TestRegistryOptions; prepare: (registry: TestRegistry) => Promise<void> },
  cases: readonly Case[],
): void {
  suite(topic, () => {
    let registry: TestRegistry
    before(async () => {
      registry = await testRegistry(options)
      await prepare(registry)
    })
    after(() => registry[Symbol.asyncDispose]())
    for (const { of, name, send, headers, body, as, ...expected } of cases) {
      test(`${name} (${of})`, async () => {
        const answer = await registry.request(send, {
          ...(headers && { headers }),
          ...(body !== undefined && { body }),
          ...(as !== undefined && { as }),
        })
        assertAnswer(answer, expected)
      })
    }
  })
}

/** A script: several requests that build on each other. */
export function script(
  of: string,
  name: string,
  run: (registry: TestRegistry) => Promise<void>,
  options: TestRegistryOptions = {},
): void {
  test(`${name} (${of})`, async () => {
    await using registry = await testRegistry(options)
    await run(registry)
  })
}
