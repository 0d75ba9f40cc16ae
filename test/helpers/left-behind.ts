import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'

/**
 * Reads what there is to clear, one a line, and clears it once nobody writes any more. A folder is only removed when it
 * looks like one of ours: this runs as root. `wait` names processes for `temporaryFolder`, which must be gone first.
 */
const SCRIPT = `
groups=' ' folders=' '
while read -r word value; do
  case $word in
    group) groups="$groups$value " ;;
    forget-group) groups="\${groups%% $value *} \${groups#* $value }" ;;
    folder) folders="$folders$value " ;;
    forget-folder) folders="\${folders%% $value *} \${folders#* $value }" ;;
  esac
done
for group in $groups; do kill -KILL "-$group"; done
[ "$groups" = ' ' ] || sleep 0.2
for folder in $folders; do
  case $folder in */homeport-test-*) rm -rf -- "$folder" ;; esac
done
`

/**
 * Clears what this test process leaves behind: process groups and temporary folders. A shell in a session of its own
 * does it as soon as its input ends, which the kernel sees to even where the test process is killed by `SIGKILL`.
 */
class LeftBehind {
  #input: Writable | undefined

  addGroup(id: number): void {
    this.#tell(`group ${id}`)
  }

  /** To be called as soon as the group is gone: its number may be used again. */
  forgetGroup(id: number): void {
    this.#tell(`forget-group ${id}`)
  }

  addFolder(path: string): void {
    this.#tell(`folder ${path}`)
  }

  forgetFolder(path: string): void {
    this.#tell(`forget-folder ${path}`)
  }

  #tell(line: string): void {
    this.#input ??= startShell()
    this.#input.write(`${line}\n`)
  }
}

function startShell(): Writable {
  const shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  shell.unref()
  // The pipe of a child process is a socket, and would keep this process running.
  ;(shell.stdin as Socket).unref()
  return shell.stdin
}

/** One a test process: it must know of everything that any test began. */
export const leftBehind = new LeftBehind()
