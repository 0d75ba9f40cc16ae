import type { Contender, ContenderName } from './contender.ts'

/** Median of each figure, by contender. */
export type Medians<Figure extends string> = ReadonlyMap<ContenderName, Readonly<Record<Figure, number>>>

/**
 * Runs `work` on each contender in turn, `runs` times over, so that what disturbs the machine disturbs all of them.
 * A first round that counts for nothing warms caches and compilers.
 */
export async function inTurn<Figure extends string>(
  contenders: readonly Contender[],
  runs: number,
  work: (contender: Contender, run: number) => Promise<Record<Figure, number>>,
): Promise<Medians<Figure>> {
  const measured = new Map<ContenderName, Record<Figure, number>[]>(contenders.map(({ name }) => [name, []]))
  for (let run = 0; run <= runs; run += 1) {
    for (const contender of contenders) {
      const figures = await work(contender, run)
      if (run > 0) measured.get(contender.name)?.push(figures)
    }
  }
  return new Map([...measured].map(([name, all]) => [name, medians(all)]))
}

/** What `work` takes: CPU of the server and time, both in seconds. */
export async function costOf(
  contender: Contender,
  work: () => Promise<unknown>,
): Promise<{ readonly cpu: number; readonly wall: number }> {
  const cpuBefore = await contender.cpuSeconds()
  const begun = performance.now()
  await work()
  const wall = (performance.now() - begun) / 1000
  return { cpu: (await contender.cpuSeconds()) - cpuBefore, wall }
}

/** Throws where it was not measured. */
export function figure<Figure extends string>(medians: Medians<Figure>, name: ContenderName, which: Figure): number {
  const found = medians.get(name)?.[which]
  if (found === undefined) throw new Error(`${which} of ${name} was not measured`)
  return found
}

/** `homeport 0.71, nginx 0.95`, with a unit behind each. */
export function listed<Figure extends string>(
  medians: Medians<Figure>,
  which: Figure,
  { digits = 2, unit = '' }: { readonly digits?: number; readonly unit?: string } = {},
): string {
  return [...medians].map(([name, figures]) => `${name} ${figures[which].toFixed(digits)}${unit}`).join(', ')
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = low] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]]
  return (low + high) / 2
}

function medians<Figure extends string>(all: readonly Record<Figure, number>[]): Record<Figure, number> {
  const names = Object.keys(all[0] ?? {}) as Figure[]
  return Object.fromEntries(names.map((name) => [name, median(all.map((each) => each[name]))])) as Record<
    Figure,
    number
  >
}
