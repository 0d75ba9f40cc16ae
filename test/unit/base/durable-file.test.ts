import assert from 'node:assert/strict'
import fs, { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { mock, type TestContext, test } from 'node:test'
import { publishFile, removeFile, renewFile, tryDisk } from '../../../src/base/durable-file.ts'

const WATCHED = [
  'openSync',
  'fsyncSync',
  'closeSync',
  'mkdirSync',
  'linkSync',
  'renameSync',
  'unlinkSync',
  'rmdirSync',
] as const
type Watched = (typeof WATCHED)[number]

/** Runs `act` and returns the calls it made, as `name path`. `fails` says which call fails, and with what. */
function calls(root: string, act: () => void, fails: (call: string) => string | undefined = () => undefined): string[] {
  const seen: string[] = []
  const paths = new Map<number, string>()
  const originals = Object.fromEntries(
    WATCHED.map((name) => [name, fs[name] as (...given: unknown[]) => unknown]),
  ) as Record<Watched, (...given: unknown[]) => unknown>
  for (const name of WATCHED) {
    mock.method(fs, name as 'fsyncSync', (...given: unknown[]) => {
      const path = typeof given[0] === 'number' ? (paths.get(given[0]) ?? '') : String(given[0])
      const call = `${name.replace('Sync', '')} ${relative(root, path) || '.'}`
      seen.push(call)
      const code = fails(call)
      if (code !== undefined) throw Object.assign(new Error(`${code}: made up, ${call}`), { code })
      const result = originals[name](...given)
      if (name === 'openSync') paths.set(result as number, path)
      return result
    })
  }
  syncBuiltinESMExports()
  try {
    act()
  } finally {
    mock.restoreAll()
    syncBuiltinESMExports()
  }
  return seen.filter((call) => !call.startsWith('open ') && !call.startsWith('close '))
}

function folder(context: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'homeport-durable-'))
  context.after(() => rmSync(root, { recursive: true }))
  return root
}

function incoming(root: string, text: string): string {
  writeFileSync(join(root, 'new'), text)
  return join(root, 'new')
}

/** Every file and folder below `root`; files with their text. */
function tree(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return relative(root, path) + (entry.isFile() ? `=${readFileSync(path, 'utf8')}` : '/')
    })
    .sort()
}

test('a file is synced, then renamed, then its folder and the parent of each new folder are synced', (context) => {
  const root = folder(context)
  const from = incoming(root, 'bytes')
  assert.deepEqual(
    calls(root, () => publishFile(from, join(root, 'a/b/data'), root)),
    ['fsync new', 'mkdir a', 'mkdir a/b', 'rename new', 'fsync a/b', 'fsync a', 'fsync .'],
  )
  assert.deepEqual(tree(root), ['a/', 'a/b/', 'a/b/data=bytes'])
})

test('an old folder is not made, and its parent is not synced', (context) => {
  const root = folder(context)
  publishFile(incoming(root, 'first'), join(root, 'a/one'), root)
  const from = incoming(root, 'second')
  assert.deepEqual(
    calls(root, () => publishFile(from, join(root, 'a/two'), root)),
    ['fsync new', 'rename new', 'fsync a'],
  )
})

test('what lies there is replaced, and nothing of it is left', (context) => {
  const root = folder(context)
  publishFile(incoming(root, 'rotten'), join(root, 'a/data'), root)
  publishFile(incoming(root, 'bytes'), join(root, 'a/data'), root)
  assert.deepEqual(tree(root), ['a/', 'a/data=bytes'])
})

test('a name that a killed process left aside is in nobody’s way', (context) => {
  const root = folder(context)
  publishFile(incoming(root, 'old'), join(root, 'a/data'), root)
  writeFileSync(join(root, 'new.replaced'), 'of another life')
  publishFile(incoming(root, 'bytes'), join(root, 'a/data'), root)
  assert.deepEqual(tree(root), ['a/', 'a/data=bytes'])
})

// biome-ignore format: one case a line
const failures = [
  { call: 'open new', step: 'sync file' },
  { call: 'fsync new', step: 'sync file' },
  { call: 'mkdir a', step: 'make folder' },
  { call: 'mkdir a/b', step: 'make folder' },
  { call: 'rename new', step: 'rename' },
  { call: 'fsync a/b', step: 'sync folder' },
  { call: 'fsync a', step: 'sync folder' },
  { call: 'fsync .', step: 'sync folder' },
]

for (const { call, step } of failures) {
  for (const code of ['EIO', 'ENOSPC']) {
    test(`when '${call}' says ${code}, nothing is shown, the file is where it was, and a second try does it all`, (context) => {
      const root = folder(context)
      const from = incoming(root, 'bytes')
      const publish = () => publishFile(from, join(root, 'a/b/data'), root)
      assert.throws(() => calls(root, publish, (made) => (made === call ? code : undefined)), {
        name: 'DurableFileError',
        step,
        code,
      })
      assert.deepEqual(tree(root), ['new=bytes'])
      assert.deepEqual(
        calls(root, publish).filter((made) => made.startsWith('fsync')),
        ['fsync new', 'fsync a/b', 'fsync a', 'fsync .'],
      )
    })
  }
}

for (const call of ['fsync new', 'rename new', 'fsync a']) {
  test(`when '${call}' fails over an old file, the old one stays`, (context) => {
    const root = folder(context)
    publishFile(incoming(root, 'old'), join(root, 'a/data'), root)
    const from = incoming(root, 'bytes')
    const publish = () => publishFile(from, join(root, 'a/data'), root)
    assert.throws(() => calls(root, publish, (made) => (made === call ? 'EIO' : undefined)))
    assert.deepEqual(tree(root), ['a/', 'a/data=old', 'new=bytes'])
    publish()
    assert.deepEqual(tree(root), ['a/', 'a/data=bytes'])
  })
}

test('where nothing can be linked, a failed sync leaves the new file, which is whole', (context) => {
  const root = folder(context)
  publishFile(incoming(root, 'old'), join(root, 'a/data'), root)
  const from = incoming(root, 'bytes')
  const fails = (call: string) => (call.startsWith('link') || call === 'fsync a' ? 'EPERM' : undefined)
  assert.throws(() => calls(root, () => publishFile(from, join(root, 'a/data'), root), fails), { step: 'sync folder' })
  assert.deepEqual(tree(root), ['a/', 'a/data=bytes'])
})

test('a file system that cannot sync folders is let be', (context) => {
  const root = folder(context)
  const from = incoming(root, 'bytes')
  calls(
    root,
    () => publishFile(from, join(root, 'a/data'), root),
    (call) => (/^fsync [a.]$/.test(call) ? 'EINVAL' : undefined),
  )
  assert.deepEqual(tree(root), ['a/', 'a/data=bytes'])
})

test('a root that is missing is not made', (context) => {
  const root = folder(context)
  const from = incoming(root, 'bytes')
  assert.throws(() => publishFile(from, join(root, 'gone/a/data'), join(root, 'gone')), {
    step: 'make folder',
    code: 'ENOENT',
  })
  assert.deepEqual(tree(root), ['new=bytes'])
})

test('a file is removed once', (context) => {
  const path = incoming(folder(context), 'bytes')
  assert.equal(removeFile(path), true)
  assert.equal(existsSync(path), false)
  assert.equal(removeFile(path), false)
  assert.equal(removeFile(join(path, 'below')), false)
})

test('trying the disk writes, syncs and reads a file, and leaves none', (context) => {
  const root = folder(context)
  const seen = calls(root, () => tryDisk(join(root, 'probe')))
  assert.deepEqual(seen, ['fsync probe', 'unlink probe'])
  assert.deepEqual(readdirSync(root), [])
})

test('trying the disk tells what failed, and leaves nothing then either', (context) => {
  const root = folder(context)
  const failing = () =>
    calls(
      root,
      () => tryDisk(join(root, 'probe')),
      (call) => (call === 'fsync probe' ? 'EIO' : undefined),
    )
  assert.throws(failing, { code: 'EIO' })
  assert.deepEqual(readdirSync(root), [])
  assert.throws(() => tryDisk(join(root, 'absent', 'probe')), { code: 'ENOENT' })
})

test('a file is renewed by writing all that it holds once more, and then a sync; where there is none, nothing is done', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'homeport-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'log')
  writeFileSync(path, 'what it holds')
  const calls: string[] = []
  for (const name of ['writeSync', 'fsyncSync'] as const) {
    const real = fs[name] as (...values: unknown[]) => unknown
    t.mock.method(fs, name, (...values: unknown[]) => {
      calls.push(name)
      return real(...values)
    })
  }
  syncBuiltinESMExports()
  t.after(syncBuiltinESMExports)
  renewFile(join(folder, 'none'))
  assert.deepEqual(calls, [])
  renewFile(path)
  assert.deepEqual(calls, ['writeSync', 'fsyncSync'])
  assert.equal(readFileSync(path, 'utf8'), 'what it holds')
  assert.deepEqual(readdirSync(folder), ['log'])
})
