import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { OperatorError } from '../base/operator-error.ts'
import { OPERATIONS, type OperationName, type OptionsOf } from './operation-table.ts'
import type { Told } from './operations.ts'
import { pack, type SentError, unpack } from './writer-messages.ts'

/** A socket's address may have this many bytes (Linux, `sockaddr_un`). */
const LONGEST_PATH = 107

type Answer = Told | { readonly end: number } | { readonly failed: SentError }
type Asked = { [Name in OperationName]: { operation: Name; options: OptionsOf<Name> } }[OperationName]

function controlSocketOf(root: string): string {
  return join(root, 'homeport', 'control.sock')
}

/**
 * The door for commands while the server holds the volume: one line of JSON asks, lines of JSON answer.
 * Who may open the file (0600, in a folder that is 0700) may ask.
 */
export async function openControl(root: string, perform: Perform): Promise<AsyncDisposable> {
  const path = controlSocketOf(root)
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new OperatorError(
      `The path of the control socket has more than ${LONGEST_PATH} bytes: '${path}'`,
      'use a shorter storage.filesystem.rootdirectory; a symbolic link will do',
    )
  }
  // Whoever listened there is gone: this process holds the volume's lock.
  await rm(path, { force: true })
  const open = new Set<Socket>()
  const running = new Set<Promise<void>>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
    const answering = answer(socket, perform)
    running.add(answering)
    void answering.finally(() => running.delete(answering))
  })
  server.listen(path)
  await once(server, 'listening')
  await chmod(path, 0o600)
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
      // The volume is let go after this: nothing may work on it any more.
      await Promise.all(running)
    },
  }
}

export type Perform = <Name extends OperationName>(
  name: Name,
  options: OptionsOf<Name>,
  how: { tell: (told: Told) => void; signal: AbortSignal },
) => Promise<number>

async function answer(socket: Socket, perform: Perform): Promise<void> {
  const leaving = new AbortController()
  socket.on('close', () => leaving.abort(new Error('The command left')))
  const tell = (line: Answer) => void (socket.writable && socket.write(`${JSON.stringify(line)}\n`))
  try {
    const { operation, options } = asked(await firstLine(socket))
    tell({ end: await perform(operation, options, { tell, signal: leaving.signal }) })
  } catch (error) {
    tell({ failed: pack(error) })
  }
  socket.end()
}

async function firstLine(socket: Socket): Promise<string> {
  for await (const line of linesOf(socket)) return line
  throw new Error('The command asked nothing')
}

function asked(line: string): Asked {
  const { operation, options } = JSON.parse(line) as { operation: string; options: unknown }
  if (!Object.hasOwn(OPERATIONS, operation)) {
    throw new OperatorError(
      `The running server does not know '${operation}'`,
      'restart it with this version of homeport',
    )
  }
  return { operation, options } as Asked
}

/** Asks the server that holds the volume. Resolves to `undefined` when nobody listens. */
export async function askServer<Name extends OperationName>(
  root: string,
  operation: Name,
  options: OptionsOf<Name>,
  { tell, signal }: { tell: (told: Told) => void; signal: AbortSignal },
): Promise<number | undefined> {
  const socket = connect(controlSocketOf(root))
  try {
    await once(socket, 'connect', { signal })
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    if (isAbsent(error)) return undefined
    throw error
  }
  const leave = () => socket.destroy()
  signal.addEventListener('abort', leave, { once: true })
  socket.write(`${JSON.stringify({ operation, options })}\n`)
  try {
    for await (const line of linesOf(socket)) {
      const said = JSON.parse(line) as Answer
      if ('end' in said) return said.end
      if ('failed' in said) throw unpack(said.failed)
      tell(said)
    }
  } finally {
    signal.removeEventListener('abort', leave)
    socket.destroy()
  }
  signal.throwIfAborted()
  throw new OperatorError('The running server left before it was done', 'see its log; ask again when it runs')
}

/** Ends with the socket, however that ends: by itself it would wait for an end that a cut never brings. */
function linesOf(socket: Socket): AsyncIterable<string> {
  const lines = createInterface({ input: socket })
  socket.once('close', () => lines.close())
  return lines
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ECONNREFUSED'
}
