import { withoutPasswords } from './shown.ts'

/** A value that a Markdown editor mangled, and what it was before. */
export interface Repair {
  /** In the text. */
  readonly offset: number
  readonly was: string
  readonly is: string
}

const LINK = /\[([^[\]()\s]+)\]\(([^[\]()\s]+)\)(["']?)/g

/**
 * Undoes links that an editor made of addresses: `[https://a](https://a)` is `https://a` again. What is left over is
 * filled with spaces, so that every line and column stays where it is.
 */
export function repairText(text: string): { readonly text: string; readonly repairs: readonly Repair[] } {
  const repairs: Repair[] = []
  const repaired = text.replaceAll(
    LINK,
    (all: string, label: string, target: string, quote: string, offset: number) => {
      if (!isMade(label, target) || isComment(text, offset)) return all
      repairs.push({ offset, was: all.slice(0, all.length - quote.length), is: label })
      return (label + quote).padEnd(all.length)
    },
  )
  return { text: repaired, repairs }
}

/** The same for the value of a variable. `undefined`: nothing is wrong with it. */
export function repairValue(value: string): string | undefined {
  const repaired = value.replaceAll(LINK, (all: string, label: string, target: string, quote: string) =>
    isMade(label, target) ? label + quote : all,
  )
  return repaired === value ? undefined : repaired.trim()
}

/** What to say of a repair, wherever it was made. */
export function repairSaid(was: string, is: string): { readonly message: string; readonly hint: string } {
  const [shownWas, shownIs] = [was, is].map(withoutPasswords)
  return {
    message: `an editor made a link of an address: '${shownWas}' is read as '${shownIs}'`,
    hint: 'write the address alone',
  }
}

/** Editors add a scheme to a host, and a slash to its end. A link to something else was made by a person. */
function isMade(label: string, target: string): boolean {
  const [from, to] = [label, target].map((part) => part.toLowerCase().replace(/\/$/, ''))
  return ['', 'http://', 'https://', 'mailto:'].some((scheme) => to === `${scheme}${from}`)
}

function isComment(text: string, offset: number): boolean {
  return /(?:^|\s)#/.test(text.slice(text.lastIndexOf('\n', offset) + 1, offset))
}
