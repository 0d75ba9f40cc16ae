/** A value that a Markdown editor mangled, and what it was before. */
export interface Repair {
  /** In the text. */
  readonly offset: number
  readonly was: string
  readonly is: string
}

const LINK = String.raw`\[([^\]\s]+)\]\(([^()\s]+)\)`
/** A whole value: after a key or a dash, and to the end of its line. Quoted it would be YAML, and is repaired later. */
const VALUE = new RegExp(String.raw`(?<=(?::|^[ \t]*-)[ \t]+)${LINK}(?=[ \t]*(?:#.*)?\r?$)`, 'gm')
const WHOLE = new RegExp(`^${LINK}$`)

/**
 * Undoes links that an editor made of addresses: `[https://a](https://a)` is `https://a` again. What is left over is
 * filled with spaces, so that every line and column stays where it is.
 */
export function repairText(text: string): { readonly text: string; readonly repairs: readonly Repair[] } {
  const repairs: Repair[] = []
  const repaired = text.replaceAll(VALUE, (was: string, shown: string, target: string, offset: number) => {
    const is = addressOf(shown, target)
    repairs.push({ offset, was, is })
    return is.padEnd(was.length)
  })
  return { text: repaired, repairs }
}

/** The same for one value: a variable, or a text in quotes. `undefined`: nothing is wrong with it. */
export function repairValue(value: string): string | undefined {
  const [, shown, target] = WHOLE.exec(value.trim()) ?? []
  return shown === undefined || target === undefined ? undefined : addressOf(shown, target)
}

/** What was written, where that can be told: editors add a slash to the target. */
function addressOf(shown: string, target: string): string {
  return target.startsWith(shown) ? shown : target
}
