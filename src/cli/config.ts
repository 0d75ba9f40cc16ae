import { formatConfig } from '../config/load.ts'
import type { Command } from './command.ts'
import { configOf } from './serve.ts'

export const configCheck: Command = {
  name: 'config check',
  summary: 'Print the configuration in force, or everything that is wrong with it',
  arguments: ['[CONFIG]'],
  data: 'nothing',
  options: { quickstart: { help: 'The one of `homeport serve --quickstart`' } },

  async run({ args, options, terminal }) {
    terminal.text(formatConfig(configOf({ file: args[0], quickstart: options['quickstart'] === true })))
    return 0
  },
}
