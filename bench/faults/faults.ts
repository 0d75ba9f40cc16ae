import { startUpstream } from '../upstream/upstream.ts'
import { QUESTIONS } from './questions.ts'
import { REGISTRIES } from './registries.ts'

// Prints what Homeport and its peers do when their upstream is slow, broken, silent or gone, as a table in Markdown.
// Nothing leaves the machine: the upstream is a program of ours on loopback, and everything is deleted in the end.
//
//     node bench/faults/faults.ts                       Homeport of this checkout, and the peers that are installed
//     ZOT=/path/to/zot NORA=/path/to/nora node bench/faults/faults.ts
//     HOMEPORT=/path/to/homeport node bench/faults/faults.ts     another Homeport: its launcher
//
// registry:2 is Debian's (`apt-get install docker-registry`), registry 3 is built by `node tools/go-tools.ts registry3`.
// It takes some five minutes, most of it spent waiting 45 s for answers that do not come.

const found = REGISTRIES.filter(({ path }) => path !== undefined)
for (const { name } of REGISTRIES.filter((registry) => !found.includes(registry)))
  console.error(`${name}: not installed`)
const rows: string[][] = []
for (const { title, answer } of QUESTIONS) {
  const answers: string[] = []
  for (const registry of found) {
    // One a question: nobody's connections, and nobody's leftovers.
    await using upstream = await startUpstream()
    const told = await answer(registry, upstream).catch((error: unknown) => `not measured: ${String(error)}`)
    console.error(`${title}: ${registry.name}: ${told}`)
    answers.push(told)
  }
  rows.push([title, ...answers])
}
const lines = [['', ...found.map(({ name }) => name)], ['---', ...found.map(() => '---')], ...rows]
console.log(lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n'))
