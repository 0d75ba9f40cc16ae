import { readFile } from 'node:fs/promises'
import { start } from '../helpers/processes.ts'
import { program } from '../helpers/programs.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

/** One system call, as `strace -f -yy` shows it. */
export interface Call {
  /** Thread. */
  readonly pid: number
  readonly name: string
  /** As shown, strings cut at `-s`. */
  readonly args: string
  /** -1: it failed, and `error` says how. */
  readonly result: number
  readonly error?: string
  /** Lines of the trace where it begins and ends: of two calls, the one that ends before the other begins was first. */
  readonly begin: number
  readonly end: number
}

/** What makes a file or an answer. Those with `?` are not there on every machine. */
const TRACED =
  'write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,?mkdir,mkdirat,?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat'

/** What all threads of a running process call while `work` runs. */
export async function trace(pid: number, work: () => Promise<void>): Promise<Call[]> {
  await using folder = await temporaryFolder()
  const file = folder.at('trace')
  await using strace = start(program('strace'), ['-f', '-yy', '-s', '64', '-e', TRACED, '-o', file, '-p', String(pid)])
  await strace.output(/attached/)
  await work()
  // It lets the process go, which goes on.
  strace.signal('SIGINT')
  await strace.ended
  return parseTrace(await readFile(file, 'utf8'))
}

/**
 * Reads what `strace -f -o` wrote. Throws at a line that it does not know; signals and ends of threads are passed by.
 * Of a call that was under way when the trace ended, nobody knows how it ended: it counts as failed.
 */
export function parseTrace(text: string): Call[] {
  const calls: Call[] = []
  const unfinished = new Map<number, { readonly text: string; readonly begin: number }>()
  for (const [line, shown] of text.split('\n').entries()) {
    const [, thread = '', what = ''] = /^(\d+) +(.*)$/.exec(shown) ?? []
    if (what === '' || /^(---|\+\+\+) /.test(what)) continue
    const pid = Number(thread)
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(what)
    const before = resumed ? unfinished.get(pid) : { text: '', begin: line }
    // A call that was under way when the trace began.
    if (before === undefined) continue
    const whole = before.text + (resumed?.[1] ?? what)
    const cut = /^(.*?),? *<(?:unfinished|detached) \.\.\.>$/.exec(whole)
    if (cut) {
      unfinished.set(pid, { text: cut[1] ?? '', begin: before.begin })
      continue
    }
    unfinished.delete(pid)
    calls.push({ pid, ...parseCall(whole), begin: before.begin, end: line })
  }
  const under = [...unfinished].map(([pid, { text: shown, begin }]) => ({
    pid,
    ...parseCall(`${shown}) = ?`),
    begin,
    end: Infinity,
  }))
  return [...calls, ...under]
}

function parseCall(text: string): Pick<Call, 'name' | 'args' | 'result' | 'error'> {
  const [, name, args = '', result, error] = /^(\w+)\((.*)\) += (-?\d+|\?)(?: (E\w+))?/.exec(text) ?? []
  if (name === undefined) throw new Error(`strace wrote what is no call: ${text}`)
  return { name, args, result: result === '?' ? -1 : Number(result), ...(error !== undefined && { error }) }
}

/** What the descriptor in the first place stands for: a path, or a socket as `TCP:[…]`. */
export function fileOf({ args }: Call): string | undefined {
  const [, shown] = /^\d+<(\w+:\[.*?\]|[^>]*)>/.exec(args) ?? []
  return shown?.replace(/\(deleted\)$/, '')
}

/** The strings among the arguments: of `rename` from and to, of `mkdir` the path, of `write` its bytes as shown. */
export function stringsOf({ args }: Call): string[] {
  return [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, string = '']) => string)
}
