import { formatConfig, plainConfig } from '../config/load.ts'
import { accessInWords } from './access-words.ts'
import type { Command } from './command.ts'
import { LENIENT, takeConfig } from './find-config.ts'

export const configCheck: Command = {
  name: 'config check',
  summary: 'Print the configuration in force, or everything that is wrong with it',
  arguments: ['[CONFIG]'],
  data: 'nothing',
  options: { quickstart: { help: 'The one of `homeport serve --quickstart`' }, ...LENIENT },

  async run({ args, options, terminal }) {
    const taken = takeConfig({
      file: args[0],
      quickstart: options['quickstart'] === true,
      lenient: options['lenient'] === true,
    })
    terminal.note(`${taken.name}: ${taken.because}`)
    for (const { place, message, hint } of taken.warnings) {
      terminal.note(`${place} ${message}`)
      if (hint !== undefined) terminal.note(`  hint: ${hint}`)
    }
    for (const line of accessInWords(taken.config)) terminal.note(`access: ${line}`)
    terminal.text(options['json'] === true ? JSON.stringify(plainConfig(taken.config)) : formatConfig(taken.config))
    return 0
  },
}
