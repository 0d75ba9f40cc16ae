import assert from 'node:assert/strict'
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { ROOT, runCommand } from '../../tools/command.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const CASES = [
  { file: 'src/http/a.ts', line: `fetch('http://a')`, says: 'every connection out is made by egress/' },
  { file: 'src/http/a.ts', line: `globalThis.fetch('http://a')`, says: 'every connection out is made by egress/' },
  { file: 'src/http/a.ts', line: `new WebSocket('ws://a')`, says: 'every connection out is made by egress/' },
  { file: 'src/http/a.ts', line: `new EventSource('http://a')`, says: 'every connection out is made by egress/' },
  { file: 'src/blobs/a.ts', line: `import { fsyncSync } from 'node:fs'`, says: 'no-restricted-imports' },
  { file: 'src/blobs/a.ts', line: `import { fdatasync as quietly } from 'node:fs'`, says: 'no-restricted-imports' },
  { file: 'src/blobs/a.ts', line: `import * as all from 'node:fs'`, says: 'no-restricted-imports' },
  { file: 'src/blobs/a.ts', line: `import all from 'node:fs'`, says: 'no-restricted-imports' },
  { file: 'src/blobs/a.ts', line: `await file.sync()`, says: 'no-restricted-properties' },
  { file: 'src/blobs/a.ts', line: `await file.datasync()`, says: 'no-restricted-properties' },
  { file: 'src/base/durable-file.ts', line: `import { fsyncSync } from 'node:fs'`, says: undefined },
  { file: 'src/app/a.ts', line: `process.exit(1)`, says: 'no-restricted-properties' },
  { file: 'src/app/a.ts', line: `import { exit } from 'node:process'`, says: 'no-restricted-imports' },
  { file: 'tools/a.ts', line: `process.exit(1)`, says: 'no-restricted-properties' },
  { file: 'src/main.ts', line: `process.exit(1)`, says: undefined },
  { file: 'src/app/a.ts', line: `console.log('a')`, says: 'no-console' },
  { file: 'src/app/a.ts', line: `work()`, says: 'no-floating-promises' },
  { file: 'src/app/a.ts', line: `[1].forEach(async () => await work())`, says: 'no-misused-promises' },
  { file: 'src/app/a.ts', line: `await work()`, says: undefined },
  { file: 'test/a.test.ts', line: `import { test } from 'node:test'; test('a', async () => {})`, says: undefined },
] as const

const BEFORE = `declare const file: { sync(): Promise<void>; datasync(): Promise<void> }
export async function work(): Promise<void> {}
`

for (const { file, line, says } of CASES) {
  test(`${file} ${says === undefined ? 'may' : 'must not'} say ${line}`, async () => {
    await using folder = await temporaryFolder()
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) {
      await copyFile(join(ROOT, name), folder.at(name))
    }
    // The types of Node, and of node:test.
    await symlink(join(ROOT, 'node_modules'), folder.at('node_modules'))
    await mkdir(dirname(folder.at(file)), { recursive: true })
    await writeFile(folder.at(file), `${BEFORE}${line}\n`)
    const options = { cwd: folder.path, output: 'capture' } as const
    const { code, text } = await runCommand(['oxlint', '--allow=no-unused-vars', file], options)
    if (says === undefined) assert.equal(code, 0, text)
    else {
      assert.equal(code, 1, text)
      assert.ok(text.replace(/\s+/g, ' ').includes(says), text)
    }
  })
}

test('Node’s modules are imported with node: before their names', async () => {
  await using folder = await temporaryFolder()
  await copyFile(join(ROOT, 'biome.json'), folder.at('biome.json'))
  await mkdir(folder.at('src'))
  await writeFile(folder.at('src/a.ts'), `export { readFileSync } from 'fs'\n`)
  const { code, text } = await runCommand(['biome', 'lint'], { cwd: folder.path, output: 'capture' })
  assert.equal(code, 1)
  assert.match(text, /useNodejsImportProtocol/)
})
