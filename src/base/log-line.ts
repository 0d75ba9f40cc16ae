import { OperatorError } from './operator-error.ts'

/** As registry:2 names them. */
export const LOG_FORMATTERS = ['text', 'json', 'logstash'] as const

export type LogFormatter = (typeof LOG_FORMATTERS)[number]

export interface LogEvent {
  readonly level: string
  readonly message: string
  readonly fields: object
  /** Epoch milliseconds. */
  readonly now: number
}

type Fields = Readonly<Record<string, unknown>>

/** What a format's own keys are called. */
interface Frame {
  readonly own: readonly string[]
  readonly line: (event: LogEvent, time: string, rest: readonly Fields[]) => string
}

/**
 * Makes lines as registry:2 writes them. Every line has the `fixed` fields too.
 *
 * A field that bears a name of the format's own is written as `fields.<name>`, as logrus does it.
 */
export function lineMaker(formatter: LogFormatter, fixed: object): (event: LogEvent) => string {
  const { own, line } = FRAMES[formatter]
  const always = readable(fixed as Fields, own)
  const reserved = [...own, ...Object.keys(always)]
  const timeOf = rememberedTime()

  return (event) => {
    const said = event.fields as Fields
    const plain = reserved.every((name) => said[name] === undefined)
    // The same name twice in one object is no JSON that everybody reads alike: the line's own value wins.
    const rest = plain ? [always, readable(said, [])] : [{ ...always, ...readable(said, own) }]
    return `${line(event, timeOf(event.now), rest)}\n`
  }
}

const FRAMES: Readonly<Record<LogFormatter, Frame>> = {
  json: {
    own: ['level', 'msg', 'time'],
    line: ({ level, message }, time, rest) => joined({ level: nameOf(level), msg: message, time }, rest),
  },
  logstash: {
    own: ['level', 'message', '@timestamp', '@version'],
    line: ({ level, message }, time, rest) =>
      joined({ '@timestamp': time, '@version': '1', level: nameOf(level), message }, rest),
  },
  text: {
    own: ['level', 'msg', 'time'],
    line({ level, message }, time, rest) {
      let text = `time="${time}" level=${nameOf(level)} msg=${quoted(message)}`
      for (const fields of rest) {
        for (const name in fields) if (fields[name] !== undefined) text += ` ${name}=${quoted(fields[name])}`
      }
      return text
    },
  },
}

function nameOf(level: string): string {
  return level === 'warn' ? 'warning' : level
}

/** One object of several that share no key. */
function joined(head: Fields, rest: readonly Fields[]): string {
  let text = stringify(head).slice(0, -1)
  for (const fields of rest) {
    const more = stringify(fields)
    if (more.length > 2) text += `,${more.slice(1, -1)}`
  }
  return `${text}}`
}

/** As logrus does: what is of these characters stands as it is. */
function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : stringify(value)
  return /^[\w\-./@^+]*$/.test(text) ? text : JSON.stringify(text)
}

/** Errors say what they are, and names of the format's own are moved aside. */
function readable(fields: Fields, own: readonly string[]): Fields {
  const { error } = fields
  const told = error instanceof Error ? { ...fields, ...whatItSays(error) } : fields
  if (own.every((name) => told[name] === undefined)) return told
  return Object.fromEntries(
    Object.entries(told).map(([name, value]) => [own.includes(name) ? `fields.${name}` : name, value]),
  )
}

/** What the operator can put right needs no stack: it has a remedy. */
function whatItSays(error: Error): Fields {
  if (!(error instanceof OperatorError)) return { error: toldError(error), stack: stackOf(error) }
  return { error: error.message, ...(error.hint !== undefined && { hint: error.hint }) }
}

/** With those that caused it, and the code of the system's or SQLite's. */
function toldError(error: Error): string {
  const { code } = error as { code?: string | number }
  const mark = code === undefined || error.message.includes(String(code)) ? '' : ` (${code})`
  const said = `${error.name}: ${error.message}${mark}`
  const cause = causeOf(error)
  return cause === undefined ? said : `${said}: ${toldError(cause)}`
}

function stackOf(error: Error): string {
  const { stack = '' } = error
  const cause = causeOf(error)
  return cause === undefined ? stack : `${stack}\ncaused by ${stackOf(cause)}`
}

/** Where closing failed after a fault, the fault is what matters. */
function causeOf(error: Error): Error | undefined {
  const cause: unknown = error instanceof SuppressedError ? error.suppressed : error.cause
  return cause instanceof Error && cause !== error ? cause : undefined
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    // What goes round in circles, or has whole numbers without end: a line is written all the same.
    const seen = new Set<unknown>()
    return JSON.stringify(value, (_, inner: unknown) => {
      if (typeof inner === 'bigint') return String(inner)
      if (typeof inner !== 'object' || inner === null) return inner
      if (seen.has(inner)) return '[seen]'
      seen.add(inner)
      return inner
    })
  }
}

/** The same text for all lines of a millisecond. */
function rememberedTime(): (now: number) => string {
  let last = Number.NaN
  let text = ''
  return (now) => {
    if (now === last) return text
    last = now
    text = new Date(now).toISOString()
    return text
  }
}
