/** What a conformance program said in its JUnit report. */
export interface Report {
  readonly passed: readonly Case[]
  readonly failed: readonly Case[]
  readonly skipped: readonly Case[]
}

export interface Case {
  readonly name: string
  /** What the program says of it, where it says anything. */
  readonly why: string
  /** What it noted on its way; the requests and answers, where the program keeps them there. */
  readonly notes: string
}

const CASE = /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g

/**
 * Reads the report of either generation: the ginkgo suite of 2023 (whose nodes before and after the suite are no specs),
 * or the program of 2026. Of a status that neither uses today it says that the case failed.
 */
export function readReport(xml: string): Report {
  const report = { passed: [] as Case[], failed: [] as Case[], skipped: [] as Case[] }
  for (const [, attributes = '', inside = ''] of xml.matchAll(CASE)) {
    const name = textOf(attributes, /\bname="([^"]*)"/)
    if (name.startsWith('[') && !name.startsWith('[It]')) continue
    const status = textOf(attributes, /\bstatus="([^"]*)"/)
    const found = { name: name.replace('[It] ', ''), why: whyOf(inside), notes: elementOf(inside, 'system-err') }
    report[LISTS[status] ?? 'failed'].push(found)
  }
  return report
}

/** 2023 says `failed` and more, 2026 `failure` and `error`. */
const LISTS: Readonly<Record<string, keyof Report>> = { passed: 'passed', skipped: 'skipped', disabled: 'skipped' }

/** 2026 has no message: an error is what the case wrote, and what the configuration turned off is in its notes. */
function whyOf(inside: string): string {
  return (
    textOf(inside, /<(?:failure|error|skipped)[^>]*\bmessage="([^"]*)"/) ||
    elementOf(inside, 'system-out') ||
    (/: skipping test:\n\s*(.*)/.exec(elementOf(inside, 'system-err'))?.[1] ?? '')
  )
}

function elementOf(xml: string, name: string): string {
  return textOf(xml, new RegExp(`<${name}>([\\s\\S]*?)</${name}>`))
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** Go writes `&#xA;` and `&#34;` for most of what it escapes. */
function textOf(xml: string, pattern: RegExp): string {
  const escaped = pattern.exec(xml)?.[1] ?? ''
  return escaped
    .replace(/&(?:#x([0-9A-Fa-f]+)|#(\d+)|(\w+));/g, (entity, hex?: string, decimal?: string, name = '') => {
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
      return ENTITIES[name] ?? entity
    })
    .trim()
}
