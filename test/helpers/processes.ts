import { type ChildProcess, spawn } from 'node:child_process'
import { leftBehind } from './left-behind.ts'

export interface ProcessOptions {
  readonly cwd?: string
  /** Added to the environment of the test; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string | Uint8Array
  /** Input stays open: `write` gives it what it waits for. */
  readonly interactive?: true
}

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  /** `null` where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program did not end with 0. The message holds the command and all that it wrote. */
export class ProcessFailed extends Error {
  override readonly name = 'ProcessFailed'
  readonly outcome: Outcome

  constructor(command: string, outcome: Outcome, because = `ended with ${outcome.code ?? outcome.signal}`) {
    super(`${command}\n${because}\n${outcome.stdout}${outcome.stderr}`)
    this.outcome = outcome
  }
}

/** A program that it leaves running may hold its output open for ever: how long to wait for that to close. */
const OUTPUT_AFTER_END_MS = 1_000

/** Runs a program to its end. Rejects with `ProcessFailed` where that is not 0, or does not come in time. */
export async function run(
  command: string,
  args: readonly string[],
  { timeoutMs = 120_000, ...options }: ProcessOptions & { readonly timeoutMs?: number } = {},
): Promise<Outcome> {
  await using child = start(command, args, options)
  const outcome = await inTime(child.ended, timeoutMs)
  if (outcome === undefined) {
    await child.kill()
    throw new ProcessFailed(child.command, await child.ended, `did not end within ${timeoutMs} ms`)
  }
  if (outcome.code !== 0) throw new ProcessFailed(child.command, outcome)
  return outcome
}

/** Starts a program in a process group of its own, which is killed at the end of the block, or of the test process. */
export function start(command: string, args: readonly string[], options: ProcessOptions = {}): RunningProcess {
  const { cwd, env, input, interactive } = options
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, detached: true })
  // A program may end without reading its input.
  child.stdin.on('error', () => {})
  if (interactive) child.stdin.write(input ?? '')
  else child.stdin.end(input)
  return new RunningProcess(child, [command, ...args].join(' '))
}

export class RunningProcess implements AsyncDisposable {
  readonly command: string
  /** Resolves once it has ended and its output has come, whatever its code. Rejects if it could not be started. */
  readonly ended: Promise<Outcome>
  readonly #child: ChildProcess
  readonly #text = { stdout: '', stderr: '', both: '' }
  readonly #listeners = new Set<() => void>()
  #running = true

  constructor(child: ChildProcess, command: string) {
    this.#child = child
    this.command = command
    if (child.pid !== undefined) leftBehind.addGroup(child.pid)
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#text[name] += text
        this.#text.both += text
        this.#notify()
      })
    }
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      const end = (code: number | null, signal: NodeJS.Signals | null) =>
        resolve({ stdout: this.stdout, stderr: this.stderr, code, signal })
      child.once('close', end)
      child.once('exit', (code, signal) => setTimeout(end, OUTPUT_AFTER_END_MS, code, signal).unref())
    })
    // Who waits for the end hears of the error; a process that nobody waits for must not end the test by it.
    this.ended
      .catch(() => {})
      .finally(() => {
        this.#running = false
        this.#notify()
      })
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.command} was not started`)
    return this.#child.pid
  }

  get running(): boolean {
    return this.#running
  }

  get stdout(): string {
    return this.#text.stdout
  }

  get stderr(): string {
    return this.#text.stderr
  }

  /** Waits until stdout and stderr together match. Rejects where the program ends, or the time, before they do. */
  output(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const settle = (tell: () => void) => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        tell()
      }
      const fail = (because: string) =>
        settle(() => reject(new Error(`${this.command} ${because}\n${this.#text.both}`)))
      const look = () => {
        const match = pattern.exec(this.#text.both)
        if (match) settle(() => resolve(match))
        else if (!this.#running) fail(`ended before it wrote ${pattern}`)
      }
      const timer = setTimeout(() => fail(`did not write ${pattern} within ${timeoutMs} ms`), timeoutMs)
      this.#listeners.add(look)
      look()
    })
  }

  /** Puts text on the input of a program that was started as `interactive`. */
  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** Sends a signal to the program alone, as an operator would. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Kills the program and all that it started, and resolves when it has ended. */
  async kill(): Promise<void> {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // Nobody of the group is left.
    }
    await this.ended.catch(() => {})
    // A daemon in a group of its own may hold them still.
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
    leftBehind.forgetGroup(pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  #notify(): void {
    for (const look of [...this.#listeners]) look()
  }
}

/** The value, or `undefined` where it does not come in time. */
async function inTime<Value>(value: Promise<Value>, timeoutMs: number): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined)
  })
  try {
    return await Promise.race([value, late])
  } finally {
    clearTimeout(timer)
  }
}
