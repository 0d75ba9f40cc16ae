import { existsSync } from 'node:fs'
import { runCommand } from '../command.ts'
import { forbidServices } from './no-services.ts'
import { debianPackages } from './packages.ts'
import { NOTHING, type Tally, tallyOfStep } from './tally.ts'

/** Installs what the tests need and Debian has. Says first what it will do; on another system, or without root, only that. */
export async function installPackages(): Promise<Tally> {
  const name = 'Debian packages'
  if (!existsSync('/usr/bin/apt-get')) return { ...NOTHING, skipped: [{ name, because: 'this is no Debian' }] }
  const missing = await missingPackages()
  if (missing.length === 0) return NOTHING
  const command = `apt-get install ${missing.join(' ')}`
  if (process.getuid?.() !== 0) return { ...NOTHING, skipped: [{ name, because: `only root can ${command}` }] }

  console.log(
    `\nThe tests need these of Debian's packages, which will be installed now, and stay:\n  ${missing.join(' ')}`,
  )
  console.log('No service is started. Lists of packages are fetched anew.')
  using _ = forbidServices()
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const update = await runCommand(['apt-get', 'update', '-q'], { env, output: 'capture' })
  const install = await runCommand(['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...missing], {
    env,
    output: 'capture',
  })
  if (install.code === 0) return tallyOfStep(name, undefined)
  console.error(update.text + install.text)
  return tallyOfStep(name, `${command} ended with ${install.code}`)
}

async function missingPackages(): Promise<readonly string[]> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
  const format = '${Package} ${db:Status-Status}\n'
  const { text } = await runCommand(['dpkg-query', '--show', `--showformat=${format}`, ...debianPackages()], {
    output: 'capture',
  })
  const lines = new Set(text.split('\n'))
  return debianPackages().filter((name) => !lines.has(`${name} installed`))
}
