import { OperatorError } from '../base/operator-error.ts'
import type { Command } from './command.ts'

export const importRegistry2: Command = {
  name: 'import registry2',
  summary: 'Read what registry:2 wrote to the folder since, or say what a repository is',
  arguments: ['[NAME...]'],
  data: 'changes',
  options: {
    as: {
      value: 'KIND',
      choices: ['cached', 'hosted'],
      help: 'What the named repositories are: copies of an upstream, or images that have their only home here',
    },
  },

  async run({ args, options, volume }) {
    const kind = options['as']
    if (kind === undefined && args.length > 0) {
      throw new OperatorError(`'${args[0]}' is named, but not what to do with it`, 'write --as cached or --as hosted')
    }
    if (kind !== undefined && args.length === 0) {
      throw new OperatorError('--as names no repository', 'write their names behind it')
    }
    return await volume.perform('importRegistry2', {
      names: args,
      ...((kind === 'cached' || kind === 'hosted') && { as: kind }),
    })
  },
}

export const exportRegistry2: Command = {
  name: 'export registry2',
  summary: "Bring registry:2's link files up to date, so that it can serve from the folder",
  data: 'changes',
  options: {
    check: { help: 'Change nothing; list what is not up to date, and what registry:2 cannot hold' },
  },

  run: ({ options, volume }) => volume.perform('exportRegistry2', { check: options['check'] === true }),
}
