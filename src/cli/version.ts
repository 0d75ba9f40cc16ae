import { createRequire } from 'node:module'
import type { Command } from './command.ts'

export const version: Command = {
  name: 'version',
  summary: 'Print the versions of Homeport and of the Node.js that runs it',
  data: 'nothing',
  options: {},

  async run({ terminal, options }) {
    const versions = { homeport: homeportVersion(), node: process.versions.node }
    if (options['json'] === true) terminal.row(versions)
    else terminal.text(`homeport ${versions.homeport}\nnode ${versions.node}`)
    return 0
  },
}

/** As package.json has it, which lies two folders up in a checkout as in a release. */
export function homeportVersion(): string {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
  return version
}
