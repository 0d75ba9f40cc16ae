import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunningProcess, run, start } from './processes.ts'
import { program } from './programs.ts'
import { temporaryFolder } from './temporary.ts'

const LAUNCHER = process.env['HOMEPORT_UNDER_TEST'] ?? join(import.meta.dirname, '../../homeport')

/** What a test that mounts a disk `needs`. */
export const DISK_PROGRAMS = ['unshare', 'nsenter', 'mount', 'sh', 'mkfs.ext4'] as const

const MEBIBYTE = 1024 * 1024

/**
 * A disk that is mounted in a namespace of its own, and gone with it, however the test ends:
 * `startServer({ data: disk.data, launcher: disk.launcher })`. In memory (`tmpfs`), or a file with `ext4`, which is
 * remounted read-only at the first error. `inodes`: how many files it has room for, roughly.
 */
export async function mountDisk(
  kind: 'tmpfs' | 'ext4',
  mebibytes: number,
  { inodes }: { readonly inodes?: number } = {},
): Promise<MountedDisk> {
  const folder = await temporaryFolder()
  const [image, mounted] = [folder.at('image'), folder.at('disk')]
  if (kind === 'ext4') {
    await writeFile(image, '')
    const few = inodes === undefined ? [] : ['-N', String(inodes)]
    await run(program('mkfs.ext4'), ['-q', '-F', '-m', '0', ...few, image, `${mebibytes}M`])
  }
  const few = inodes === undefined ? '' : `,nr_inodes=${inodes}`
  const options =
    kind === 'tmpfs'
      ? ['-t', 'tmpfs', '-o', `size=${mebibytes}m${few}`, 'tmpfs']
      : ['-o', 'loop,errors=remount-ro', image]
  const script = 'mkdir "$1" && shift && "$@" && echo ready && exec sleep infinity'
  const init = start(program('unshare'), [
    ...['--mount', '--propagation', 'private', program('sh'), '-c', script, 'sh', mounted],
    ...[program('mount'), ...options, mounted],
  ])
  const disk = new MountedDisk(folder, init, mounted)
  try {
    await init.output(/^ready$/m)
    const enter = `exec '${program('nsenter')}' --target ${init.pid} --mount -- '${LAUNCHER}' "$@"`
    await writeFile(disk.launcher, `#!/bin/sh\n${enter}\n`, { mode: 0o755 })
  } catch (error) {
    await disk[Symbol.asyncDispose]()
    throw error
  }
  return disk
}

export class MountedDisk implements AsyncDisposable {
  /** Folder of a volume, where it is mounted. */
  readonly data: string
  /** Starts the program where the disk is mounted. */
  readonly launcher: string
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>
  readonly #init: RunningProcess
  readonly #mounted: string

  constructor(folder: Awaited<ReturnType<typeof temporaryFolder>>, init: RunningProcess, mounted: string) {
    this.#folder = folder
    this.#init = init
    this.#mounted = mounted
    this.data = join(mounted, 'data')
    this.launcher = folder.at('homeport')
  }

  /** A file of the disk, as it is seen from here. */
  at(...parts: readonly string[]): string {
    return join(`/proc/${this.#init.pid}/root`, this.#mounted, ...parts)
  }

  /** Takes all the room that is left. */
  async fill(): Promise<void> {
    const { appendFile } = await import('node:fs/promises')
    for (const bytes of [Buffer.alloc(MEBIBYTE), Buffer.alloc(4096), Buffer.alloc(1)]) {
      while (await fits(appendFile(this.at('filler'), bytes)));
    }
  }

  /** Makes empty files until there is no inode for another, and resolves to what they are called, by `at`. */
  async takeInodes(): Promise<string[]> {
    const files: string[] = []
    await mkdir(this.at('inodes'))
    for (let number = 0; ; number += 1) {
      const file = join('inodes', String(number))
      if (!(await fits(writeFile(this.at(file), '')))) return files
      files.push(file)
    }
  }

  /** What an unrecoverable error does to it: from now on nothing is written, and what is open stays open. */
  async abort(): Promise<void> {
    const args = ['--target', String(this.#init.pid), '--mount', '--']
    await run(program('nsenter'), [...args, program('mount'), '-o', 'remount,abort', this.#mounted])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#init.kill()
    await this.#folder[Symbol.asyncDispose]()
  }
}

async function fits(writing: Promise<void>): Promise<boolean> {
  try {
    await writing
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false
    throw error
  }
}
