import { existsSync, lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs'

const POLICY = '/usr/sbin/policy-rc.d'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * As long as it is not disposed of, Debian's packages start no service when they are installed (invoke-rc.d asks the
 * policy; 101 says no). Then the policy that was there before is back, also where we are ended by a signal.
 *
 * Invariant: the old policy lies beside ours from before ours is there until ours is gone. So a run that was killed is
 * put right by the next.
 */
export function forbidServices(policy: string = POLICY): Disposable {
  const kept = `${policy}.before-homeport-tests`
  const none = `${policy}.none-before-homeport-tests`

  function restore(): void {
    if (isThere(kept)) renameSync(kept, policy)
    else if (existsSync(none)) rmSync(policy, { force: true })
    rmSync(none, { force: true })
  }

  function restoreAndDie(signal: NodeJS.Signals): void {
    stop()
    process.kill(process.pid, signal)
  }

  function stop(): void {
    for (const signal of SIGNALS) process.off(signal, restoreAndDie)
    process.off('exit', restore)
    restore()
  }

  restore()
  process.on('exit', restore)
  for (const signal of SIGNALS) process.on(signal, restoreAndDie)
  if (isThere(policy)) renameSync(policy, kept)
  else writeFileSync(none, '')
  writeFileSync(
    policy,
    '#!/bin/sh\n# Of the tests of Homeport, while they install: no service is started.\nexit 101\n',
    {
      mode: 0o755,
    },
  )
  return { [Symbol.dispose]: stop }
}

/** A symbolic link that leads nowhere is there, too. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
