import { OperatorError } from '../base/operator-error.ts'
import type { Command } from './command.ts'

/** registry:2's command, for cron jobs that call it: they hear that nothing was collected. */
export const garbageCollect: Command = {
  name: 'garbage-collect',
  summary: 'Not built yet: nothing is collected',
  arguments: ['[CONFIG]'],
  data: 'nothing',
  options: {
    'dry-run': { short: 'd', help: 'As in registry:2' },
    'delete-untagged': { short: 'm', help: 'As in registry:2' },
    quiet: { short: 'q', help: 'As in registry:2' },
  },

  async run() {
    throw new OperatorError(
      'garbage-collect is not built yet: nothing was collected, and nothing was lost',
      'take it out of the schedule until a later version has it',
    )
  },
}
