import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
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
      read: () => readFile(path, 'utf8').catch(emptyWhereMissing),
      taken(now: string) {
        if (now === text) return
        text = now
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

function emptyWhereMissing(error: unknown): string {
  if (isMissing(error)) return ''
  throw error
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
