/** A pattern of repository names: components joined by `/`, where `*` is any text within one and `**` any number of them. */
export interface NamePattern {
  matches(name: string): boolean
  /** Its first component is written out: it means these repositories, and not whatever there is. */
  readonly specific: boolean
}

const COMPONENT = /^(?:\*\*|[a-z0-9*](?:[a-z0-9._:*-]*[a-z0-9*])?)$/

/** What is wrong with it, as the end of a sentence; `undefined`: it is a pattern. */
export function namePatternProblem(text: string): string | undefined {
  for (const component of text.split('/')) {
    if (component === '') return 'has a component without a name'
    if (/[A-Z]/.test(component)) return 'has capital letters, which no name of a repository has'
    if (component !== '**' && component.includes('**')) return 'has ** beside other text: it is a component of its own'
    if (!COMPONENT.test(component)) return `has '${component}', which is part of no name`
  }
  return undefined
}

/** Takes time in proportion to pattern times name, whatever they are. Throws a `TypeError` on what is no pattern. */
export function parseNamePattern(text: string): NamePattern {
  const problem = namePatternProblem(text)
  if (problem !== undefined) throw new TypeError(`'${text}' ${problem}`)
  const components = text.split('/')
  return {
    specific: !components[0]?.includes('*'),
    matches: (name) => matchesAll(components, name.split('/')),
  }
}

/** `ends`: after which components of the name the pattern so far may end. */
function matchesAll(pattern: readonly string[], name: readonly string[]): boolean {
  let ends = [true, ...name.map(() => false)]
  for (const component of pattern) {
    const next = [component === '**' && ends[0] === true]
    for (const [index, part] of name.entries()) {
      next.push(
        component === '**'
          ? ends[index + 1] === true || next[index] === true
          : ends[index] === true && matchesComponent(component, part),
      )
    }
    ends = next
  }
  return ends[name.length] === true
}

/** Texts between the asterisks, each at the first place where it can be. */
function matchesComponent(pattern: string, text: string): boolean {
  if (!pattern.includes('*')) return pattern === text
  const parts = pattern.split('*')
  const [first = '', last = ''] = [parts[0], parts.at(-1)]
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= text.length - last.length
}
