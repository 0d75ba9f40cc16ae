import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { leftBehind } from '../../test/helpers/left-behind.ts'
import { temporaryFolder } from '../../test/helpers/temporary.ts'
import { freePort } from '../kit/free-port.ts'
import { ask } from './answers.ts'
import type { Registry } from './registries.ts'

/** A registry that answers, or one that ended before it did. */
export interface Running extends AsyncDisposable {
  readonly url: string
  /** Its first answer came. */
  readonly started: boolean
}

const START_SECONDS = 20

/** Starts it in a folder of its own. */
export async function start({ name, path, prepare }: Registry, upstream: string): Promise<Running> {
  if (path === undefined) throw new Error(`${name} is not installed`)
  const folder = await temporaryFolder()
  const port = await freePort()
  await mkdir(folder.at('data'))
  const { args, env } = await prepare({ folder: folder.path, port, upstream })
  const log = await open(join(folder.path, 'log'), 'a')
  const child = spawn(path, args, {
    ...{ cwd: folder.path, detached: true, stdio: ['ignore', log.fd, log.fd] },
    env: { ...process.env, ...env },
  })
  await log.close()
  const { pid } = child
  if (pid === undefined) throw new Error(`${path} was not started`)
  leftBehind.addGroup(pid)
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const begun = performance.now()
  let started = false
  while (!started && child.exitCode === null && performance.now() - begun < START_SECONDS * 1000) {
    const { status } = await ask(`${url}/v2/`, { most: 1 })
    started = status > 0 && status !== 503
    if (!started) await sleep(20)
  }
  return {
    ...{ url, started },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        process.kill(-pid, 'SIGKILL')
        await ended
      }
      leftBehind.forgetGroup(pid)
      await folder[Symbol.asyncDispose]()
    },
  }
}
