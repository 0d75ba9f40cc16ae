import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/**
 * Resolves when the other side's system has all that was written: a reset throws away what is still on its way, and a
 * test that cuts at a byte means that byte. Gives up after two seconds, for who does not read.
 */
export async function allSent(socket: Socket): Promise<void> {
  const { localPort = 0, remotePort = 0 } = socket
  for (let tries = 0; tries < 400 && !socket.destroyed; tries += 1) {
    if (socket.writableLength === 0 && (await unsent(localPort, remotePort)) === 0) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The system's own count (proc(5), net/tcp). */
async function unsent(localPort: number, remotePort: number): Promise<number> {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  const wanted = new RegExp(`^ *\\d+: [0-9A-F]+:${hex(localPort)} [0-9A-F]+:${hex(remotePort)} .. ([0-9A-F]{8}):`, 'm')
  for (const table of ['tcp', 'tcp6']) {
    const [, queued] = wanted.exec(await readFile(`/proc/self/net/${table}`, 'utf8')) ?? []
    if (queued !== undefined) return Number.parseInt(queued, 16)
  }
  return 0
}
