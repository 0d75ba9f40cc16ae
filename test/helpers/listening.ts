import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import type { RunningProcess } from './processes.ts'

/** A port of 127.0.0.1 that nobody listens on now. Another may take it first: whoever needs it tries again. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Resolves when somebody listens on the port, in the network namespace of this process. Rejects where it ends first. */
export async function listens({ pid, running, ended }: RunningProcess, port: number): Promise<void> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  // State 0A is LISTEN (proc(5), net/tcp).
  const line = new RegExp(`^ *\\d+: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A`, 'm')
  let over = !running
  ended.then(
    () => (over = true),
    () => (over = true),
  )
  for (let tries = 0; tries < 1000; tries += 1) {
    const tables = await Promise.all(
      ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')),
    )
    if (!over && tables.some((table) => line.test(table))) return
    if (over) throw new Error(`It ended, and did not listen on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`Nobody listens on port ${port}`)
}
