import { relative } from 'node:path'
import type { EventData } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { ROOT } from '../command.ts'
import type { Remark, Tally } from './tally.ts'

/** A reporter of node:test: writes one `Tally` as JSON, at the end. A suite counts only where it was skipped or broke itself. */
// biome-ignore lint/style/noDefaultExport: node:test loads a reporter by its default export
export default async function* tallyReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0
  const failed: Remark[] = []
  const skipped: Remark[] = []
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const name = `${relative(ROOT, data.file ?? '')}: ${data.name}`
    const omitted = data.skip ?? (data.todo === undefined ? undefined : 'to do')
    if (omitted !== undefined) skipped.push({ name, because: String(omitted) })
    else if (type === 'test:fail' && !isOnlyOfItsTests(data)) failed.push({ name, because: reasonOf(data) })
    else if (type === 'test:pass' && data.details.type !== 'suite') passed += 1
  }
  const tally: Tally = { passed, failed, skipped }
  yield JSON.stringify(tally)
}

/** A suite fails with each test in it, which are counted already. */
function isOnlyOfItsTests({ details }: EventData.TestFail): boolean {
  return details.type === 'suite' && 'failureType' in details.error && details.error.failureType === 'subtestsFailed'
}

function reasonOf({ details: { error } }: EventData.TestFail): string {
  const { message } = error.cause instanceof Error ? error.cause : error
  return message.split('\n', 1)[0] ?? ''
}
