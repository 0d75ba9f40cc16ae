import { type RequestEnd, type RequestLog, requestFields, short, statusOf, written } from './request-log.ts'

/** Told of each request when it is over. */
type AccessLog = (end: RequestEnd) => void

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Apache's "combined", as registry:2 writes it: in UTC, and with the user who signed in, whom registry:2 leaves out. */
export function combinedLog(write: (line: string) => void, now: () => number): AccessLog {
  let second = Number.NaN
  let time = ''
  return (end) => {
    const at = Math.floor(now() / 1000)
    if (at !== second) time = apacheTime(new Date(at * 1000))
    second = at
    write(combinedLine(end, time))
  }
}

/** The same fields as the lines of the log have, on lines of their own. */
export function structuredLog(log: Pick<RequestLog, 'info'>): AccessLog {
  return (end) => log.info(requestFields(end), 'access')
}

function combinedLine(end: RequestEnd, time: string): string {
  const { arrival, outcome, bytes, version } = end
  const { method, target, headers } = arrival
  const client = arrival.peer === '' ? '-' : arrival.peer
  const user = outcome === undefined || outcome.account === '' ? '-' : word(short(outcome.account))
  const asked = `${method} ${inQuotes(written(target))} HTTP/${version}`
  const agent = `"${inQuotes(written(headers['referer']))}" "${inQuotes(short(headers['user-agent']))}"`
  return `${client} - ${user} [${time}] "${asked}" ${statusOf(end)} ${bytes} ${agent}\n`
}

/** `25/Nov/2026:09:29:37 +0000` */
function apacheTime(date: Date): string {
  const [year, month, day] = [date.getUTCFullYear(), MONTHS[date.getUTCMonth()], two(date.getUTCDate())]
  return `${day}/${month}/${year}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** A client's text must not end the quotes or the line. As Apache does it: `\"`, `\\`, `\x0a`. */
function inQuotes(text = ''): string {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text)) return text
  return text
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(/[^\x20-\x7e]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** One that stands outside of quotes: no space in it either. */
function word(text?: string): string {
  return inQuotes(text).replaceAll(' ', '\\x20')
}
