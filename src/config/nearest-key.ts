/**
 * The known key that was most likely meant by an unknown one: the same name, or nearly, at the same place or at
 * another (`http.accesslog` for `log.accesslog`). `undefined` when none is near.
 */
export function nearestKey(unknown: string, known: Iterable<string>): string | undefined {
  let best: { key: string; cost: number } | undefined
  for (const key of known) {
    const cost = difference(nameOf(unknown), nameOf(key)) + (sectionOf(unknown) === sectionOf(key) ? 0 : 0.5)
    if (cost < (best?.cost ?? Infinity)) best = { key, cost }
  }
  return best && best.cost <= Math.max(1, nameOf(unknown).length / 3) + 0.5 ? best.key : undefined
}

const nameOf = (key: string) => key.slice(key.lastIndexOf('.') + 1)
const sectionOf = (key: string) => key.slice(0, Math.max(key.lastIndexOf('.'), 0))

function difference(unknown: string, known: string): number {
  if (unknown.length >= 3 && known.startsWith(unknown.toLowerCase())) return Math.min(1, known.length - unknown.length)
  return editDistance(unknown, known)
}

/** How many letters to add, leave out, change or swap with their neighbour (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let before: number[] = []
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row += 1) {
    const here = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1]
      const costs = [at(above, column) + 1, at(here, column - 1) + 1, at(above, column - 1) + (same ? 0 : 1)]
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (swapped) costs.push(at(before, column - 2) + 1)
      here.push(Math.min(...costs))
    }
    before = above
    above = here
  }
  return at(above, to.length)
}

const at = (row: readonly number[], column: number) => row[column] ?? Infinity
