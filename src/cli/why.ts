import type { Command } from './command.ts'

/** It changes nothing, but what it asks for is known to whoever holds the folder. */
export const why: Command = {
  name: 'why',
  summary: 'Say what became of a request, or of pulls of an image: what failed, where, and what to do',
  arguments: ['<REQUEST-ID|IMAGE>'],
  data: 'changes',
  options: {},

  run: ({ args: [about = ''], volume }) => volume.perform('why', { about }),
}
