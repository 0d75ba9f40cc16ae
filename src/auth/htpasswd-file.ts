import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'
import { type WatchOptions, watchFiles } from '../base/watched-files.ts'
import { parseHtpasswd, type Users } from './htpasswd.ts'

export interface HtpasswdFileOptions extends WatchOptions {
  readonly path: string
  readonly log: Log
}

/** The file of users: read at the start, and again when it has changed. */
export interface HtpasswdFile extends Disposable {
  readonly users: Users
  /** Calls back after each change. */
  onChange(changed: (users: Users) => void): void
}

/**
 * Opens the file, and logs each line that lets nobody in. A file that is empty or missing lets nobody in, also when
 * it becomes so while we run. One that can no longer be read changes nothing, and is told once.
 *
 * Throws an `OperatorError` where it cannot be read at the start.
 */
export function openHtpasswd({ path, log, ...watch }: HtpasswdFileOptions): HtpasswdFile {
  let text = textAtStart(path)
  let users = usersOf(text, { path, log })
  const listeners: ((users: Users) => void)[] = []

  const watched = watchFiles(
    {
      paths: [path],
      read: () => readSoon(path),
      taken(now: Content) {
        if (now.replaced) {
          const remedy = 'restart the container, and mount the folder of the file in its place'
          log.warn(
            { path },
            `the htpasswd file was replaced, and this mount of it alone still shows the old one: ${remedy}`,
          )
        }
        if (now.text === text) return
        text = now.text
        users = usersOf(text, { path, log })
        log.info({ path, users: users.size }, 'the users were read anew')
        for (const changed of listeners) changed(users)
      },
      failed(error) {
        log.error(
          { path, error },
          'the users cannot be read anew, and stay as they were: see that this user may read it',
        )
      },
    },
    watch,
  )
  return {
    get users() {
      return users
    },
    onChange: (changed) => listeners.push(changed),
    [Symbol.dispose]: () => watched[Symbol.dispose](),
  }
}

function usersOf(text: string, { path, log }: { path: string; log: Log }): Users {
  const { users, leftOut } = parseHtpasswd(text)
  for (const { line, because } of leftOut) {
    const remedy = 'give its account a password with `homeport user passwd`, or take the line out'
    log.warn({ path, line }, `line ${line} of the htpasswd file lets nobody in: ${because}; ${remedy}`)
  }
  if (users.size === 0) {
    log.error(
      { path },
      `nobody can sign in: there is no user in the htpasswd file; add one: homeport user add NAME --file '${path}'`,
    )
  }
  return users
}

function textAtStart(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw new OperatorError(
      `Cannot read the users: ${error instanceof Error ? error.message : String(error)}`,
      `let this user read it (chown or chmod), or set auth.htpasswd.path to a file that it may read`,
    )
  }
}

interface Content {
  readonly text: string
  /** No folder has this file any more: only a mount of it keeps it. */
  readonly replaced: boolean
}

async function readSoon(path: string): Promise<Content> {
  try {
    const [text, { nlink }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    return { text, replaced: nlink === 0 }
  } catch (error) {
    if (isMissing(error)) return { text: '', replaced: false }
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
