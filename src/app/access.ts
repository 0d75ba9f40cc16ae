import { type LogTarget, openLog } from '../base/log.ts'
import type { LogFormatter } from '../base/log-line.ts'
import { combinedLog, structuredLog } from '../http/access-log.ts'
import type { RequestEnd } from '../http/request-log.ts'

interface AccessLogSettings {
  readonly formatter: LogFormatter
  readonly fields: Readonly<Record<string, string>>
  readonly accesslog: { readonly disabled: boolean }
}

/** The access log, as `log` of the configuration wants it: Apache's format, or an object a line where the log has objects. */
export function openAccessLog(settings: AccessLogSettings, stdout: LogTarget): (end: RequestEnd) => void {
  const { formatter, fields, accesslog } = settings
  if (accesslog.disabled) return () => undefined
  if (formatter === 'text') return combinedLog((line) => stdout.write(line, false), Date.now)
  return structuredLog(openLog({ level: 'info', formatter, fields, write: stdout.write }))
}
