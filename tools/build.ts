import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, runCommand } from './command.ts'

// Makes the release tree: JavaScript, the launcher and what `npm ci --omit=dev` needs in it. With --install, that too.
// Usage: node tools/build.ts [--install] [FOLDER]
const COPIED = [
  'homeport',
  'package-lock.json',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'docs',
  'container',
]

const { values, positionals } = parseArgs({ options: { install: { type: 'boolean' } }, allowPositionals: true })
const output = resolve(positionals[0] ?? join(ROOT, 'build/homeport'))
await rm(output, { recursive: true, force: true })
await mkdir(output, { recursive: true })
const { code } = await runCommand(['tsc', '--project', 'tsconfig.build.json', '--outDir', join(output, 'dist')])
if (code === 0) {
  for (const name of COPIED.filter((name) => existsSync(join(ROOT, name)))) {
    await cp(join(ROOT, name), join(output, name), { recursive: true })
  }
  // The scripts of development have nothing to work on here.
  const { scripts, ...manifest } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const released = { ...manifest, scripts: { start: scripts['start'] } }
  await writeFile(join(output, 'package.json'), `${JSON.stringify(released, null, 2)}\n`)
  const install = ['npm', 'ci', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund'] as const
  if (values.install) process.exitCode = (await runCommand(install, { cwd: output })).code
  console.log(output)
} else {
  process.exitCode = code
}
