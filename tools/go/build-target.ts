import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type CommandOptions, runCommand } from '../command.ts'
import { goTargetFolder } from './cache-folder.ts'
import { GO_TARGETS, type GoTarget, type GoTargetName } from './targets.ts'

/**
 * Builds one target into its folder, and removes its other versions. Does nothing where it is there already.
 * Rejects with what the compiler said.
 */
export async function buildGoTarget(name: GoTargetName, cache: string): Promise<'built' | 'kept'> {
  const folder = goTargetFolder(name, cache)
  if (existsSync(folder)) return 'kept'
  await mkdir(cache, { recursive: true })
  const making = await mkdtemp(join(cache, '.making-'))
  try {
    const output = join(making, 'out')
    await mkdir(output)
    await compile(GO_TARGETS[name], { output, scratch: making })
    await removeOtherVersions(name, cache)
    // Another run may have built it meanwhile; its folder is as good as ours.
    await rename(output, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(making, { recursive: true, force: true })
  }
  return 'built'
}

async function compile(target: GoTarget, { output, scratch }: { output: string; scratch: string }): Promise<void> {
  const { version, install = [], renamed = {}, testBinaryOf } = target
  // GOFLAGS of the machine could change what is built.
  const env = { GOBIN: output, GOFLAGS: '' }
  if (install.length > 0) await go(['install', ...install.map((path) => `${path}@${version}`)], { env })
  for (const [from, to] of Object.entries(renamed)) await rename(join(output, from), join(output, to))
  if (target.source !== undefined) await compileSource(target.source, target.programs, { output, scratch, env })
  if (testBinaryOf !== undefined) {
    const [program = ''] = target.programs
    await compileTests(`${testBinaryOf}@${version}`, { into: join(output, program), scratch, env })
  }
}

/** The folder is copied: nothing is to be written into the checkout. */
async function compileSource(
  source: string,
  [first = '', ...others]: readonly string[],
  { output, scratch, env }: { output: string; scratch: string; env: NonNullable<CommandOptions['env']> },
): Promise<void> {
  const copy = join(scratch, 'source')
  await cp(join(import.meta.dirname, 'sources', source), copy, { recursive: true })
  await go(['build', '-trimpath', '-ldflags=-s -w', '-o', join(output, first), '.'], { cwd: copy, env })
  for (const name of others) await symlink(first, join(output, name))
}

/** `go test -c` wants to be in the module itself, and the module cache is read-only: a copy is made. */
async function compileTests(
  module: string,
  { into, scratch, env }: { into: string; scratch: string; env: NonNullable<CommandOptions['env']> },
): Promise<void> {
  await writeFile(join(scratch, 'go.mod'), 'module scratch\n')
  const { Dir } = JSON.parse(await go(['mod', 'download', '-json', module], { cwd: scratch, env })) as { Dir: string }
  const source = join(scratch, 'source')
  await runCommand(['cp', '-r', '--no-preserve=mode', Dir, source])
  await go(['test', '-c', '-o', into, '.'], { cwd: source, env })
}

async function go(args: readonly string[], options: CommandOptions): Promise<string> {
  const { code, text } = await runCommand(['nice', 'go', ...args], { ...options, output: 'capture' })
  if (code !== 0) throw new Error(`go ${args.join(' ')}\n${text}`)
  return text
}

async function removeOtherVersions(name: GoTargetName, cache: string): Promise<void> {
  const current = basename(goTargetFolder(name, cache))
  const others = (await readdir(cache)).filter((entry) => entry.startsWith(`${name}@`) && entry !== current)
  for (const entry of others) await rm(join(cache, entry), { recursive: true, force: true })
}
