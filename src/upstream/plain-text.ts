/** What must not reach a terminal or a log: control characters, and those that turn or hide what is written. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu

/** What somebody else wrote, as it may be shown: one line, no markup characters, and not longer than that. */
export function plainText(text: string, longest: number): string {
  const line = text
    .slice(0, longest * 8)
    .replace(UNSEEN, ' ')
    .replace(/[<>]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return line.length <= longest ? line : `${line.slice(0, longest - 1).trimEnd()}…`
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** The title of a page; of one without, its first heading. */
export function titleOf(page: string): string | undefined {
  const found = /<title[^>]{0,200}>([^<]{1,2000})/i.exec(page) ?? /<h1[^>]{0,200}>([^<]{1,2000})/i.exec(page)
  const text = found?.[1]?.replace(/&(#\d{1,6}|[a-z]{2,4});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? whole
    const code = Number(name.slice(1))
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ' '
  })
  const title = plainText(text ?? '', 120)
  return title === '' ? undefined : title
}
