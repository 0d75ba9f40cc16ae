import { type Document, LineCounter, parseDocument, visit } from 'yaml'
import type { Problem, Warning } from './problems.ts'
import { repairSaid, repairText } from './repair.ts'

/** A configuration as text. */
export interface Source {
  readonly text: string
  /** What messages call it. */
  readonly name: string
  /** It came with the program: a storage driver in it counts for none beside another one. */
  readonly embedded?: boolean
}

/** The text, read as YAML. */
export interface Read {
  readonly document: Document
  /** Values as YAML takes them, and as they are written. */
  readonly value: unknown
  readonly asText: unknown
  readonly warnings: readonly Warning[]
  readonly problems: readonly Problem[]
  /** `file:line:column`, both counted from 1. */
  place(offset: number): string
}

const OPTIONS = { merge: true, prettyErrors: false } as const

/** Never throws: what is wrong with the text is among the problems, and then nothing after it can be trusted. */
export function readSource({ text: written, name }: Source): Read {
  const { text, repairs } = repairText(written)
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { ...OPTIONS, lineCounter })
  const place = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset)
    return `${name}:${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  const warnings = repairs.map(({ offset, was, is }) => ({ place: place(offset), ...repairSaid(was, is) }))
  // A tag that means nothing here is a warning of the parser's: `password: !vault x` would be a text that nobody meant.
  const broken = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    at: pos[0],
    message: withoutSource(message),
  }))
  const read = { document, warnings, place }
  if (broken.length > 0) return { ...read, value: undefined, asText: undefined, problems: broken }
  try {
    const value: unknown = document.toJS() ?? {}
    // Once more with every value as it is written, for settings that are texts.
    const asText: unknown = parseDocument(text, { ...OPTIONS, schema: 'failsafe' }).toJS()
    return { ...read, value, asText, problems: [] }
  } catch (error) {
    // An alias to nothing, or a nest of them that would fill the memory.
    return { ...read, value: undefined, asText: undefined, problems: [brokenAlias(document, error)] }
  }
}

function brokenAlias(document: Document, error: unknown): Problem {
  const anchors = new Set<string>()
  const places: number[] = []
  visit(document, {
    Alias(_key, { source, range }) {
      if (!anchors.has(source)) places.push(range?.[0] ?? 0)
    },
    Value(_key, { anchor }) {
      if (anchor !== undefined) anchors.add(anchor)
    },
  })
  const [at] = places
  if (at === undefined) return { at: 0, message: withoutSource(messageOf(error)) }
  return { at, message: 'there is no such anchor: a text that begins with * needs quotes' }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** What the parser says, without the piece of the text that it quotes at the end: that may be of a password. */
export function withoutSource(message: string): string {
  return message.replace(/(?<=[a-z)]): .*$/s, '').replace(/ "[^"]*".*$/s, '')
}
