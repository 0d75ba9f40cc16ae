import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../helpers/processes.ts'
import { program } from '../../helpers/programs.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const TEN_MINUTES = 600_000

/**
 * A tar of Debian's smallest system, in the place of the image that nobody can pull here. Made once a machine (half a
 * minute) from where the machine's own packages come from.
 */
export async function baseImage(): Promise<string> {
  const { address, release } = await debianSource()
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'homeport/base-image')
  const file = join(folder, `debian-${release}.tar`)
  if (existsSync(file)) return file
  await using made = await temporaryFolder()
  const root = made.at('root')
  const options = ['--variant=minbase', '--include=libstdc++6', release, root, address]
  await run(program('debootstrap'), options, { timeoutMs: TEN_MINUTES })
  await mkdir(folder, { recursive: true })
  const part = `${file}.${process.pid}`
  try {
    // Lists and packages of the installation are half of it; devices cannot be made in every container.
    const without = ['./var/cache/apt', './var/lib/apt/lists', './dev'].map((path) => `--exclude=${path}/*`)
    await run(program('tar'), ['--create', '--file', part, '--directory', root, ...without, '.'])
    await rename(part, file)
  } finally {
    await rm(part, { force: true })
  }
  return file
}

/** Where packages of this machine come from, and of which release. */
async function debianSource(): Promise<{ address: string; release: string }> {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)'
  const { stdout } = await run(program('apt-get'), ['indextargets', '--format', format, 'Created-By: Packages'])
  const [, address, release] = /^(\S+) ([a-z]+) main$/m.exec(stdout) ?? []
  if (address === undefined || release === undefined) throw new Error(`apt-get names no source of packages: ${stdout}`)
  return { address, release }
}
