import { availableParallelism } from 'node:os'

/** Tests that are run by one call of node:test. */
export interface Suite {
  readonly name: string
  /** Files and folders, from the repository's root. */
  readonly where: readonly string[]
  /** Test files at a time; absent: what node:test takes. */
  readonly concurrency?: number
  /** Its files share what Node made of the modules that they import: half of the time of a short one (measured). */
  readonly compiledOnce?: true
  /** How long one test may take. */
  readonly timeoutMs: number
}

/** No ports for long, no other programs but the system's: less than a minute. */
export const FAST: Suite = {
  name: 'fast',
  where: ['test/architecture.test.ts', 'test/unit', 'test/contracts', 'test/protocol', 'test/property'],
  // One more than node:test takes: with two processors it would leave one without work.
  concurrency: availableParallelism(),
  compiledOnce: true,
  timeoutMs: 60_000,
}

/** The server as a process, and the tooling itself. */
export const SERVER: Suite = {
  name: 'server',
  where: ['test/tooling', 'test/server'],
  concurrency: 2,
  timeoutMs: 600_000,
}

/** The conformance programs of the OCI, against the server. */
export const CONFORMANCE: Suite = {
  name: 'conformance',
  where: ['test/conformance'],
  concurrency: 1,
  timeoutMs: 600_000,
}

/** Real clients: they share the machine's container storage and its network, so one file at a time. */
export const CLIENTS: Suite = { name: 'clients', where: ['test/clients'], concurrency: 1, timeoutMs: 1_200_000 }
