import { readFile, writeFile } from 'node:fs/promises'
import { run } from './processes.ts'
import { program } from './programs.ts'
import { temporaryFolder } from './temporary.ts'

/** Waits to be ended, as the first process of a container: signals that it has no handler for do nothing to it. */
const SOURCE = `
#include <signal.h>
#include <unistd.h>
static void end(int signal) { _exit(0); }
int main(void) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  for (;;) pause();
}
`

/** A program for the machine of the test that waits for ever and needs no library: what a pod runs. */
export async function pauseProgram(): Promise<Buffer> {
  await using folder = await temporaryFolder()
  await writeFile(folder.at('pause.c'), SOURCE)
  await run(program('gcc'), ['-static', '-Os', '-s', '-o', folder.at('pause'), folder.at('pause.c')])
  return await readFile(folder.at('pause'))
}
