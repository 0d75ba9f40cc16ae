import { join } from 'node:path'
import { run } from './processes.ts'
import { program } from './programs.ts'
import { temporaryFolder } from './temporary.ts'

/**
 * The environment of a program whose timers run so many times as fast: what takes minutes is a matter of seconds, in
 * the program as it is. The test needs `gcc`.
 */
export async function fastClock(
  speed: number,
): Promise<{ readonly env: Readonly<Record<string, string>> } & AsyncDisposable> {
  const folder = await temporaryFolder()
  const library = folder.at('fast-clock.so')
  const source = join(import.meta.dirname, 'shim/fast-clock.c')
  await run(program('gcc'), ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, source, '-ldl'])
  return {
    env: { LD_PRELOAD: library, FAST_CLOCK: String(speed) },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}
