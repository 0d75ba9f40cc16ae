import { runInNewContext } from 'node:vm'

/** Milliseconds that all of one question may take: a pattern may need longer than the universe, and texts are strangers'. */
const LIMIT = { timeout: 100 }

export class PatternTimeout extends Error {
  override readonly name = 'PatternTimeout'
}

/**
 * A regular expression as Go has them, as far as JavaScript reads it alike. Throws a `SyntaxError` whose message ends
 * the sentence "The pattern …".
 */
export function parsePattern(text: string): RegExp {
  const { insensitive, rest = '' } = /^(?<insensitive>\(\?i\))?(?<rest>[\s\S]*)$/.exec(text)?.groups ?? {}
  const bare = rest.replaceAll('\\\\', '')
  if (/\[\[:/.test(bare)) throw new SyntaxError('has a class like [[:alpha:]], which is not read here')
  if (/\\[1-9k]/.test(bare)) throw new SyntaxError('refers back to a group, which Go does not know')
  if (/(?<!\\)\(\?<?[=!]/.test(bare)) throw new SyntaxError('looks ahead or behind, which Go does not know')
  try {
    return new RegExp(rest, insensitive === undefined ? 'u' : 'iu')
  } catch (error) {
    throw new SyntaxError(`cannot be read: ${error instanceof Error ? error.message : ''}`, { cause: error })
  }
}

/** What is let through: what one of `allow` matches, or everything where it is empty, and none of `deny`. */
export interface PatternRules {
  readonly allow: readonly RegExp[]
  readonly deny: readonly RegExp[]
}

/** The first text that is not let through; `undefined`: all are. Throws a `PatternTimeout` where that takes too long. */
export function firstRefused(texts: readonly string[], { allow, deny }: PatternRules): string | undefined {
  const matches = (patterns: readonly RegExp[], text: string) => patterns.some((pattern) => pattern.test(text))
  const passes = (text: string) => (allow.length === 0 || matches(allow, text)) && !matches(deny, text)
  try {
    // Only a script has a limit of time, which V8 keeps inside a regular expression too.
    const found: unknown = runInNewContext('find()', { find: () => texts.find((text) => !passes(text)) }, LIMIT)
    return typeof found === 'string' ? found : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new PatternTimeout()
    throw error
  }
}
