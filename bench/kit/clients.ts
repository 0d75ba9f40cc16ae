import { readFile } from 'node:fs/promises'
import { MEDIA_TYPES } from '../../test/helpers/images.ts'
import { run } from '../../test/helpers/processes.ts'
import { program } from '../../test/helpers/programs.ts'
import { RegistryClient } from '../../test/helpers/registry-client.ts'
import { ACCOUNT, AUTHORIZATION } from './account.ts'
import type { Contender } from './contender.ts'
import type { Kit } from './scenario.ts'

/** A client in this process, for what needs no speed. */
export async function clientOf({ url }: Contender, { certificates }: Kit): Promise<RegistryClient> {
  return new RegistryClient(url, { ca: await readFile(certificates.ca, 'utf8'), credentials: ACCOUNT })
}

/** Fetches it and throws the bytes away, `streams` times at once. In processes of their own, in C: no bottleneck. */
export async function download(url: string, { certificates }: Kit, streams = 1): Promise<void> {
  const args = ['--silent', '--fail', '--cacert', certificates.ca, '--output', '/dev/null', url]
  await Promise.all(Array.from({ length: streams }, () => run(program('curl'), args)))
}

/** Sends a file as the body of a `PATCH`, and resolves to the `Location` that it was answered with. */
export async function appendFile(url: string, file: string, { certificates }: Kit): Promise<string> {
  const { stdout } = await run(program('curl'), [
    ...['--silent', '--fail', '--cacert', certificates.ca, '--request', 'PATCH', '--upload-file', file],
    ...['--header', 'Content-Type: application/octet-stream', '--header', 'Expect:', '--output', '/dev/null'],
    ...['--write-out', '%header{location}', url],
  ])
  return new URL(stdout, url).href
}

export interface Load {
  readonly requestsPerSecond: number
  /** Milliseconds that 99 of 100 answers came within. */
  readonly p99: number
}

/** Asks for one thing over and over, on so many connections, with the account's password. */
export async function hammer(
  url: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Load> {
  const { stdout } = await run(program('wrk'), [
    ...['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`, '--latency'],
    ...['--timeout', '30s', '--header', `Authorization: ${AUTHORIZATION}`],
    ...['--header', `Accept: ${MEDIA_TYPES.oci.manifest}`, url],
  ])
  const wrong = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(stdout)
  if (wrong !== null) throw new Error(`${url}: ${wrong[0]}\n${stdout}`)
  const [, amount = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? []
  const [, rate = ''] = /Requests\/sec:\s+([\d.]+)/.exec(stdout) ?? []
  return { requestsPerSecond: Number(rate), p99: Number(amount) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN) }
}
