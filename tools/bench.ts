import { cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { makeKit, type Row } from '../bench/kit/scenario.ts'
import { tableOf } from '../bench/kit/table.ts'
import { SCENARIOS } from '../bench/scenarios.ts'
import { issueCertificate } from '../test/helpers/certificates.ts'
import { temporaryFolder } from '../test/helpers/temporary.ts'
import { runCommand } from './command.ts'

// Measures Homeport beside other registries and nginx on this machine, and prints a table. Nothing else should run.
// `--shrink`: cached blobs are so many times smaller than the table says, to see that all of it runs.
// Usage: node tools/bench.ts [--only NAME[,NAME…]] [--runs N] [--shrink N] [--json] [--homeport LAUNCHER]
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    runs: { type: 'string', default: '3' },
    shrink: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    homeport: { type: 'string' },
  },
})

const asked = values.only?.split(',')
const unknown = asked?.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name)) ?? []
const [runs, shrink] = [Number(values.runs), Number(values.shrink)]
if (unknown.length > 0 || ![runs, shrink].every((value) => Number.isInteger(value) && value >= 1)) {
  const names = SCENARIOS.map(({ name }) => name).join(', ')
  console.error(
    unknown.length > 0
      ? `there is no ${unknown.join(', ')}\n  hint: there are ${names}`
      : '--runs and --shrink are numbers from 1 on',
  )
  process.exitCode = 2
} else {
  await using folder = await temporaryFolder()
  const homeport = values.homeport ?? (await releaseTree(folder.at('release')))
  const kit = makeKit({ folder, certificates: await issueCertificate(), runs, shrink, homeport })
  const rows: Row[] = []
  for (const scenario of SCENARIOS.filter(({ name }) => asked?.includes(name) ?? true)) {
    const begun = performance.now()
    const found = await scenario.run(kit)
    rows.push(...found)
    console.error(`${tableOf(found)}\n(${scenario.name}: ${Math.round((performance.now() - begun) / 1000)} s)`)
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 1e9)} GB, Linux ${release()}`
  const date = new Date().toISOString().slice(0, 10)
  if (values.json) console.log(JSON.stringify({ date, machine, node: process.version, runs, rows }, null, 2))
  else console.log(`\n${date}; ${machine}; Node ${process.version}; median of ${runs}\n\n${tableOf(rows)}`)
}

/** As it is installed. */
async function releaseTree(folder: string): Promise<string> {
  const { code, text } = await runCommand(['node', 'tools/build.ts', '--install', folder], { output: 'capture' })
  if (code !== 0) throw new Error(`The release tree could not be built\n${text}`)
  return `${folder}/homeport`
}
