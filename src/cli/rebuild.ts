import type { Command } from './command.ts'

export const rebuild: Command = {
  name: 'rebuild',
  summary: 'Make the catalog anew of what the disk has, where it is lost or damaged; the server must not run',
  data: 'changes',
  options: {},

  run: ({ volume }) => volume.rebuild(),
}
