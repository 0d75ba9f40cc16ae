import { readdir, readFile } from 'node:fs/promises'

/** Of `/proc/<pid>/stat` (proc(5)): Linux counts in hundredths for user programs, whatever its own tick is. */
const TICKS_A_SECOND = 100

/** User and system time of a process group, in seconds: of all its processes with all their threads. */
export async function cpuSecondsOf(group: number): Promise<number> {
  const members = await membersOf(group)
  return members.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_A_SECOND
}

/** Resident memory of a process group, in bytes. `peak`: the sum of the most that each of its processes had. */
export async function memoryOf(group: number, when: 'now' | 'peak'): Promise<number> {
  const line = when === 'now' ? /^VmRSS:\s+(\d+) kB$/m : /^VmHWM:\s+(\d+) kB$/m
  let sum = 0
  for (const { pid } of await membersOf(group)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    sum += Number(line.exec(status)?.[1] ?? 0) * 1024
  }
  return sum
}

async function membersOf(group: number): Promise<{ readonly pid: number; readonly ticks: number }[]> {
  const found = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The program's name is in parentheses, and may have anything in it. Counted from behind it: 2 is the group.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(fields[2]) === group) found.push({ pid: Number(name), ticks: Number(fields[11]) + Number(fields[12]) })
  }
  return found
}
