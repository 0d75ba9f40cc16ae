import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { run } from './processes.ts'
import { program } from './programs.ts'
import { temporaryFolder } from './temporary.ts'

/** In the order of the bits of `shim/disk-faults.c`, whose head says how the two ends speak. */
const CALLS = [
  'fsync',
  'fdatasync',
  'rename',
  'write',
  'create',
  'unlink',
  'truncate',
  'link',
  'mkdir',
  'read',
  'open',
] as const

/** What is asked of the disk: `write` stands for all its forms, `create` for an `open` that may make a file. */
export type DiskCall = (typeof CALLS)[number]

/** Calls that change something: what a file system that was remounted read-only refuses, and a full one nearly. */
export const CHANGES: readonly DiskCall[] = CALLS.filter((call) => call !== 'read' && call !== 'open')

/** What happens to calls. Of two rules that fit one call, the first counts. */
export interface DiskRule {
  readonly calls: readonly DiskCall[]
  /** What the path must contain; of `rename` and `link`, the new name. Default: anything. */
  readonly path?: string
  /** Default: the call is let through. */
  readonly error?: 'EIO' | 'ENOSPC' | 'EROFS'
  /** Milliseconds to wait before. */
  readonly delay?: number
  /** How many calls to let pass first. */
  readonly skip?: number
  /** How many to act upon after that. Default: all. */
  readonly times?: number
}

/** A call that was logged. `error`: the number, 0 where it went well; of `truncate` the new size is in `offset`. */
export interface LoggedCall {
  readonly call: DiskCall
  readonly inode: string
  readonly offset: number
  readonly bytes: number
  readonly error: number
  readonly path: string
}

const SIZE = 65_536
const LOG = 4
const FOLDER = 64
const RULES = 1_024
const RULE_SIZE = 512
const SEEN = 20
const PATH = 64

/**
 * A disk that fails and is slow on command, for a server that is started with its folder and environment:
 * `startServer({ data: disk.data, env: disk.env })`. The test needs `gcc`.
 */
export async function diskFaults(): Promise<DiskFaults> {
  const folder = await temporaryFolder()
  const library = folder.at('disk-faults.so')
  const source = join(import.meta.dirname, 'shim/disk-faults.c')
  await run(program('gcc'), ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, source, '-ldl'])

  const control = Buffer.alloc(SIZE)
  const data = folder.at('data')
  control.write(data, FOLDER)
  await writeFile(folder.at('control'), control)
  return new DiskFaults(folder, data)
}

export class DiskFaults implements AsyncDisposable {
  /** The folder whose calls are meant: for `storage.filesystem.rootdirectory`. */
  readonly data: string
  readonly env: Readonly<Record<string, string>>
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>
  readonly #control: number

  constructor(folder: Awaited<ReturnType<typeof temporaryFolder>>, data: string) {
    this.#folder = folder
    this.data = data
    this.env = { LD_PRELOAD: folder.at('disk-faults.so'), HOMEPORT_DISK_FAULTS: folder.at('control') }
    this.#control = openSync(folder.at('control'), 'r+')
  }

  /** From the next call on. No rules: a disk in good order. */
  set(...rules: readonly DiskRule[]): void {
    this.#write(0, 0)
    for (const [index, { calls, path = '', error, delay = 0, skip = 0, times = 0xffff_ffff }] of rules.entries()) {
      const bytes = Buffer.alloc(RULE_SIZE)
      const bits = calls.reduce((sum, call) => sum + 2 ** CALLS.indexOf(call), 0)
      const numbers = [bits, error === undefined ? 0 : constants.errno[error], delay, skip, times]
      for (const [place, value] of numbers.entries()) bytes.writeUInt32LE(value, place * 4)
      bytes.write(path, PATH, RULE_SIZE - PATH - 1)
      writeSync(this.#control, bytes, 0, RULE_SIZE, RULES + index * RULE_SIZE)
    }
    this.#write(0, rules.length)
  }

  /** How many calls the rule of this place in `set` has had, those included that it let pass. */
  seen(rule = 0): number {
    const bytes = Buffer.alloc(4)
    readSync(this.#control, bytes, 0, 4, RULES + rule * RULE_SIZE + SEEN)
    return bytes.readUInt32LE()
  }

  /** Begins to log every call below the folder, or ends it. */
  keepLog(on: boolean): void {
    this.#write(LOG, on ? 1 : 0)
  }

  /** All calls that were logged, in the order in which they ended. */
  async log(): Promise<LoggedCall[]> {
    const text = await readFile(this.#folder.at('control.log'), 'utf8')
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [, call, inode = '', offset, bytes, error, path = ''] =
          /^(\w+) (\d+) (-?\d+) (-?\d+) (\d+) (.*)$/.exec(line) ?? []
        return {
          call: call as DiskCall,
          inode,
          offset: Number(offset),
          bytes: Number(bytes),
          error: Number(error),
          path,
        }
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.#control)
    await this.#folder[Symbol.asyncDispose]()
  }

  #write(at: number, value: number): void {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    writeSync(this.#control, bytes, 0, 4, at)
  }
}
