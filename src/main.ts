import { runCli } from './cli/cli.ts'

// Whoever reads the results may stop early (`| head`); that is no fault. The log of a server sees to its own.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && process.stdout.listenerCount('error') === 1) throw error
})

process.exitCode = await runCli(process.argv.slice(2), process)
