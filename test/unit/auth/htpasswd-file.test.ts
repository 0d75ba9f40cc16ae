import assert from 'node:assert/strict'
import { chmodSync, closeSync, mkdirSync, openSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { openHtpasswd } from '../../../src/auth/htpasswd-file.ts'
import { openLog } from '../../../src/base/log.ts'
import { steeredWatch } from '../../helpers/steered-watch.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const HASH = '$2y$05$Ak4zuhPM3fCRlEIAaqIm.eSdaXvxbg7YuWjvgrtcv3rFoJj68rmZi'

async function opened(text: string | undefined) {
  const folder = await temporaryFolder()
  const path = folder.at('htpasswd')
  if (text !== undefined) writeFileSync(path, text)
  const lines: Record<string, unknown>[] = []
  const log = openLog({ level: 'info', write: (line) => lines.push(JSON.parse(line)) })
  const steered = steeredWatch()
  const file = openHtpasswd({ path, log, ...steered.options })
  const changes: string[][] = []
  file.onChange((users) => changes.push([...users.keys()]))
  return {
    ...{ path, file, changes, lines },
    settle: async () => {
      await steered.pass(2000)
      await steered.pass(500)
    },
    async [Symbol.asyncDispose]() {
      file[Symbol.dispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('each line that lets nobody in is logged by its number, and none of its text', async () => {
  await using htpasswd = await opened(`ann:${HASH}\nbob:canary\ncanary\n`)
  const { file, lines } = htpasswd
  assert.deepEqual([...file.users.keys()], ['ann'])
  assert.deepEqual(
    lines.map(({ level, line }) => [level, line]),
    [
      ['warning', 2],
      ['warning', 3],
    ],
  )
  assert.match(String(lines[0]?.['msg']), /line 2 .*homeport user passwd/)
  assert.doesNotMatch(JSON.stringify(lines), /canary/)
})

for (const [name, text] of [
  ['empty', ''],
  ['missing', undefined],
] as const) {
  test(`a file that is ${name} gives no user, and one loud line with the command that adds one`, async () => {
    await using htpasswd = await opened(text)
    const { file, lines, path } = htpasswd
    assert.equal(file.users.size, 0)
    assert.equal(lines.length, 1)
    assert.equal(lines[0]?.['level'], 'error')
    assert.ok(String(lines[0]?.['msg']).endsWith(`homeport user add NAME --file '${path}'`))
  })
}

test('a file that cannot be read refuses the start, with a hint', async () => {
  await using folder = await temporaryFolder()
  const log = openLog({ level: 'info', write: () => {} })
  const cannot = { name: 'OperatorError', message: /EISDIR/, hint: /auth\.htpasswd\.path/ }
  assert.throws(() => openHtpasswd({ path: folder.path, log }), cannot)
})

test('a change is told; a file that was only touched is not', async () => {
  await using htpasswd = await opened(`ann:${HASH}\n`)
  const { path, file, changes, settle } = htpasswd
  await settle()
  utimesSync(path, 1, 1)
  chmodSync(path, 0o600)
  await settle()
  assert.deepEqual(changes, [])
  writeFileSync(path, `bob:${HASH}\n`)
  await settle()
  assert.deepEqual(changes, [['bob']])
  assert.deepEqual([...file.users.keys()], ['bob'])
})

test('a file that is emptied, or removed, lets nobody in any more, and says so loudly', async () => {
  for (const act of [(path: string) => writeFileSync(path, ''), (path: string) => rmSync(path)]) {
    await using htpasswd = await opened(`ann:${HASH}\n`)
    const { path, changes, lines, settle } = htpasswd
    await settle()
    act(path)
    await settle()
    assert.deepEqual(changes, [[]])
    assert.match(String(lines[0]?.['msg']), /nobody can sign in/)
  }
})

test('a file that can no longer be read leaves the users as they are, and says so once', async () => {
  await using htpasswd = await opened(`ann:${HASH}\n`)
  const { path, file, changes, lines, settle } = htpasswd
  await settle()
  rmSync(path)
  mkdirSync(path)
  await settle()
  assert.deepEqual(changes, [])
  assert.deepEqual([...file.users.keys()], ['ann'])
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['error'],
  )
})

test('a file that only a mount keeps is told: what was put in its place is not seen', async () => {
  await using htpasswd = await opened(`ann:${HASH}\n`)
  const { path } = htpasswd
  const steered = steeredWatch()
  const lines: string[] = []
  const log = openLog({ level: 'info', write: (line) => lines.push(JSON.parse(line).msg) })
  const descriptor = openSync(path, 'r')
  // A way to a file without a name, as a mount of a single file is one.
  using file = openHtpasswd({ path: `/proc/self/fd/${descriptor}`, log, ...steered.options })
  rmSync(path)
  await steered.pass(2000)
  await steered.pass(500)
  closeSync(descriptor)
  assert.deepEqual([...file.users.keys()], ['ann'])
  assert.match(lines.join('\n'), /was replaced.*mount the folder/)
})
