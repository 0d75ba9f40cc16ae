import { readFile } from 'node:fs/promises'

/** What is open beside connections and blobs: catalog, threads, uploads between two requests. */
const OURS = 128

/** A limit as low as that leaves nothing over, and then a few have to do. */
const FEWEST = 16

/**
 * How many files this process may have open; `undefined`: as many as it likes, or nobody knows. Node has raised it to
 * the hard limit by now.
 */
export async function fileLimit(): Promise<number | undefined> {
  // Only Linux has it.
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const [, soft] = /^Max open files +(\d+) /m.exec(limits) ?? []
  return soft === undefined ? undefined : Number(soft)
}

/**
 * How many connections are taken at a time. Each may need a file beside its socket: a server that gave all of them to
 * sockets could read no blob for anybody.
 */
export function mostConnections(files: number): number {
  return Math.max(FEWEST, Math.floor((files - OURS) / 2))
}
