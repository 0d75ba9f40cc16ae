import { once } from 'node:events'
import { chmod, lstat, rm } from 'node:fs/promises'
import type { Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import { connect } from 'node:net'
import { OperatorError } from '../base/operator-error.ts'

/** Where to listen: in a network, without a host on every address of the machine, port 0 being a free one; or a socket. */
export type Where = { readonly host: string | undefined; readonly port: number } | { readonly path: string }

/** Where a server listens. */
export interface Listening {
  /** `host:port`, or the path of the socket. */
  readonly address: string
  /** 0: on a socket of the file system. */
  readonly port: number
}

/** Whoever may enter the folder may connect: a reverse proxy runs as another user. */
const SOCKET_MODE = 0o666

/** Resolves once it listens. Throws an `OperatorError` where it cannot, which names the setting that says where. */
export async function listen(
  server: HttpServer | HttpsServer,
  where: Where,
  setting = 'http.addr',
): Promise<Listening> {
  if ('path' in where) await removeStale(where.path)
  const listening = await begin(server, where, setting)
  if ('path' in where) await chmod(where.path, SOCKET_MODE)
  return listening
}

function begin(server: HttpServer | HttpsServer, where: Where, setting: string): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(listenError(error, written(where), setting))
    const options =
      'path' in where ? where : { port: where.port, ...(where.host !== undefined && { host: where.host }) }
    server.once('error', fail)
    server.listen(options, () => {
      server.off('error', fail)
      const bound = server.address()
      if (bound === null) return reject(new Error('The server listens nowhere'))
      if (typeof bound === 'string') return resolve({ address: bound, port: 0 })
      const name = bound.address.includes(':') ? `[${bound.address}]` : bound.address
      resolve({ address: `${name}:${bound.port}`, port: bound.port })
    })
  })
}

function written(where: Where): string {
  return 'path' in where ? where.path : `${where.host ?? ''}:${where.port}`
}

/** A socket on which nobody listens is what a killed server left. Anything else there stays, and listening fails. */
async function removeStale(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (there?.isSocket() && !(await answers(path))) await rm(path, { force: true })
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const NO_SUCH_ADDRESS = ['this machine has no such address', 'set SETTING to one of its own'] as const

/** Why a machine does not let us listen, and what to do. `SETTING` is the one that says where. */
const LISTEN_ERRORS: Readonly<Record<string, readonly [because: string, hint: string]>> = {
  EADDRINUSE: ['another program does', 'end it, or set SETTING to another place'],
  EACCES: ['this user may not', 'set SETTING to a port from 1024 on, or to a folder that this user may write to'],
  ENOENT: ['there is no such folder', 'make it, or set http.addr to another one'],
  EADDRNOTAVAIL: NO_SUCH_ADDRESS,
  ENOTFOUND: NO_SUCH_ADDRESS,
}

function listenError(error: NodeJS.ErrnoException, where: string, setting: string): Error {
  const known = LISTEN_ERRORS[error.code ?? '']
  if (known === undefined) return error
  const [because, hint] = known
  return new OperatorError(`Cannot listen on ${where}: ${because}`, hint.replace('SETTING', setting))
}
