import * as z from 'zod'
import { bare, notedParts } from '../../src/config/schema-walk.ts'
import type { Kind } from '../../src/config/setting.ts'
import { SETTINGS } from '../../src/config/settings.ts'

type NotedPart = ReturnType<typeof notedParts>[number]

/** The part of the manual that lists every key: one table for each section of the first order. */
export function settingsManual(): string {
  const parts = notedParts(SETTINGS)
  const sections = [...new Set(parts.map(({ path }) => sectionOf(path)))]
  return sections.map((section) => sectionManual(section, parts)).join('\n')
}

function sectionManual(section: string, parts: readonly NotedPart[]): string {
  const own = parts.filter(({ path }) => sectionOf(path) === section)
  const rows = own.filter(({ note }) => note.mark === 'honoured')
  const idle = own.filter(({ note }) => note.mark !== 'honoured')
  const whole = own.find(({ path }) => path === section)
  const text = [`## \`${section}\``, '']
  if (whole !== undefined) text.push(sentence(whole), '')
  if (rows.some(({ path }) => path !== section)) {
    text.push('| key | value | default | meaning |', '| --- | --- | --- | --- |')
    text.push(...rows.filter(({ path }) => path !== section).map(row), '')
  }
  const others = idle.filter(({ path }) => path !== section)
  if (others.length > 0) text.push(...others.map((part) => `- \`${part.path}\`: ${sentence(part)}`), '')
  return text.join('\n')
}

function row({ path, part, note }: NotedPart): string {
  const cells = [`\`${path}\``, kindOf(part), defaultOf(part), note.description]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function sentence({ note: { description, mark, because } }: NotedPart): string {
  if (mark === 'honoured') return description
  return `${description} ${mark === 'refused' ? '**Refused, not built yet**' : '**Changes nothing**'}: ${because}.`
}

function kindOf(part: z.core.$ZodType): string {
  for (let at: z.core.$ZodType | undefined = part; at !== undefined; at = inside(at)) {
    const { kind } = (z.globalRegistry.get(at) ?? {}) as Partial<Kind>
    if (kind !== undefined) return kind
  }
  const inner = bare(part)
  if (inner instanceof z.ZodRecord) return `${kindOf(inner.valueType)} by name`
  if (inner instanceof z.ZodArray) return `list of ${kindOf(inner.element)}`
  if (inner instanceof z.ZodUnion) return inner.options.map(kindOf).join(', or ')
  if (inner instanceof z.ZodString) return 'text'
  if (inner instanceof z.ZodObject) return `section of ${Object.keys(inner.shape).join(', ') || 'nothing'}`
  return 'anything'
}

function inside(part: z.core.$ZodType): z.core.$ZodType | undefined {
  if (part instanceof z.ZodCodec) return part.in
  return part === bare(part) ? undefined : bare(part)
}

/** As one would write it. */
function defaultOf(part: z.core.$ZodType): string {
  if (part instanceof z.ZodOptional) return ''
  const { defaultValue } = (part as { def?: { defaultValue?: unknown } }).def ?? {}
  if (defaultValue === undefined) return 'needed'
  return `\`${typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue)}\``
}

const sectionOf = (path: string) => path.split(/[.[]/)[0] ?? ''
