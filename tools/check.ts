import { runCommand } from './command.ts'

/** What must hold before anything is tested. They run side by side, and what fails is shown whole. */
const CHECKS = [
  { name: 'format and lint', command: ['biome', 'check', '--diagnostic-level=warn', '--error-on-warnings'] },
  { name: 'promises and bans', command: ['oxlint', '--deny-warnings'] },
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'dead code', command: ['knip', '--no-progress'] },
  { name: 'architecture', command: ['node', '--test', 'test/architecture.test.ts'] },
] as const

const failed = await Promise.all(
  CHECKS.map(async ({ name, command }) => {
    const { code, text } = await runCommand(command, { output: 'capture' })
    console.log(code === 0 ? `ok      ${name}` : `FAILED  ${name} (${command.join(' ')})\n${text}`)
    return code !== 0
  }),
)
if (failed.includes(true)) process.exitCode = 1
