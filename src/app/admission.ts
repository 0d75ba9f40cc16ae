import type { HandlerOptions } from '../http/dispatch.ts'
import type { Health } from '../ops/health.ts'

/** Methods that put something on the disk. What lets go of something may free the room that is lacking. */
const PUTS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/** Whether a request can be answered at all, whoever asks: as the storage is. */
export function admission(health: Pick<Health, 'admit'>): NonNullable<HandlerOptions['admit']> {
  return (method) => health.admit(PUTS.has(method) ? 'write' : 'read')
}
