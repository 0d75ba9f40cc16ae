import { type Outcome, type ProcessOptions, type RunningProcess, start } from './processes.ts'
import { LAUNCHER } from './server.ts'

/** Runs a command of Homeport to its end, whatever its code. */
export async function homeport(...args: readonly string[]): Promise<Outcome> {
  await using child = start(LAUNCHER, args)
  return await child.ended
}

/** Starts `homeport serve` as it is called by hand, and resolves when it listens to where, as the log says it. */
export async function serveHomeport(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess & { readonly address: string }> {
  const server = start(LAUNCHER, ['serve', ...args], options)
  try {
    const [, address = ''] = await server.output(/listening on ([^",]+)/)
    return Object.assign(server, { address })
  } catch (error) {
    await server.kill()
    throw error
  }
}
