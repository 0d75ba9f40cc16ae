import { readFile } from 'node:fs/promises'
import { type Outcome, start } from '../helpers/processes.ts'
import { program } from '../helpers/programs.ts'
import type { Credentials } from '../helpers/registry-client.ts'
import type { Server } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'
import { type Report, readReport } from './junit.ts'

export type Generation = keyof typeof GENERATIONS

export interface Target {
  readonly server: Server
  readonly credentials: Credentials
  /** Variables that choose what is tested. */
  readonly options: Readonly<Record<string, string>>
}

export interface Verdict {
  /** 0 only where the program found nothing to complain of. */
  readonly code: number | null
  readonly report: Report
  /** What failed and why, with requests and answers. Empty where nothing did. */
  readonly complaints: string
}

interface Program {
  readonly name: 'conformance-2023' | 'conformance'
  readonly args: readonly string[]
  readonly variables: (server: Server, credentials: Credentials) => Record<string, string>
  /** Of each failure: its name, and the requests and answers that led there. */
  readonly exchanges: (report: Report, outcome: Outcome) => readonly string[]
}

const GENERATIONS = {
  /** A ginkgo suite. It trusts every certificate. Requests and answers are only in what it writes as it goes. */
  2023: {
    name: 'conformance-2023',
    args: ['--ginkgo.v', '--ginkgo.no-color'],
    variables: ({ url }, { user, password }) => ({
      ...{ OCI_ROOT_URL: url, OCI_USERNAME: user, OCI_PASSWORD: password, OCI_DEBUG: '1', OCI_REPORT_DIR: '.' },
      ...{ OCI_NAMESPACE: 'conformance/repo1', OCI_CROSSMOUNT_NAMESPACE: 'conformance/repo2' },
    }),
    // A spec that ends in `• [FAILED] …` or `• [PANICKED] …`; one that passes has its time there.
    exchanges: (_, { stdout }) => stdout.split(/^-{30}$/m).filter((spec) => /^• \[[A-Z]/m.test(spec)),
  },
  /** A program of its own. A case that nothing runs below has its requests and answers in the report. */
  2026: {
    name: 'conformance',
    args: [],
    variables: ({ host, ca = '' }, { user, password }) => ({
      ...{ OCI_REGISTRY: host, OCI_TLS: 'enabled', OCI_USERNAME: user, OCI_PASSWORD: password, SSL_CERT_FILE: ca },
      ...{ OCI_REPO1: 'conformance/repo1', OCI_REPO2: 'conformance/repo2', OCI_RESULTS_DIR: '.' },
    }),
    exchanges: ({ failed }) => failed.map(({ name, notes }) => `${name}\n${notes}\n`),
  },
} as const satisfies Readonly<Record<number, Program>>

/** Lets a conformance program loose on a server. It sees no variables but ours, and no configuration in its folder. */
export async function runConformance(
  generation: Generation,
  { server, credentials, options }: Target,
): Promise<Verdict> {
  const { name, args, variables, exchanges }: Program = GENERATIONS[generation]
  await using folder = await temporaryFolder()
  const inherited = Object.keys(process.env).filter((variable) => variable.startsWith('OCI_'))
  const env = {
    ...Object.fromEntries(inherited.map((variable) => [variable, undefined])),
    ...{ HOME: folder.path, ...variables(server, credentials), ...options },
  }
  await using child = start(program(name), args, { cwd: folder.path, env })
  const outcome = await child.ended
  const xml = await readFile(folder.at('junit.xml'), 'utf8').catch((cause: unknown) => {
    throw new Error(`${name} left no report:\n${outcome.stdout}${outcome.stderr}`, { cause })
  })
  const report = readReport(xml)
  const complaints = [complaintsOf(report, exchanges(report, outcome))]
  // A step that has others below it is no case of the report: 2026 tells of it here.
  if (outcome.code !== 0) complaints.push(outcome.stderr)
  return { code: outcome.code, report, complaints: complaints.join('\n\n') }
}

const SHOWN = 8
const EXCERPT = 12_000

/** The reasons of all, then the traffic of the first few. */
function complaintsOf({ failed }: Report, exchanges: readonly string[]): string {
  const reasons = failed.map(({ name, why }) => `✖ ${name}\n  ${why.replaceAll('\n', '\n  ')}`)
  return [...reasons, ...exchanges.slice(0, SHOWN).map(excerpt)].join('\n\n')
}

/** A blob or a large manifest in a request must not hide what came back: the middle is left out. */
function excerpt(text: string): string {
  if (text.length <= EXCERPT) return text
  return `${text.slice(0, EXCERPT / 2)}\n[… ${text.length - EXCERPT} characters …]\n${text.slice(-EXCERPT / 2)}`
}
