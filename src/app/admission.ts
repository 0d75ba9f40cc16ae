import type { HandlerOptions } from '../http/dispatch.ts'
import { Refusal } from '../oci/refusal.ts'
import type { Health } from '../ops/health.ts'

/** Methods that put something on the disk. What lets go of something may free the room that is lacking. */
const PUTS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

interface Admission {
  readonly health: Pick<Health, 'admit'>
  /** `storage.maintenance.readonly.enabled`. */
  readonly readonly: boolean
}

/** Whether a request can be answered at all, whoever asks: as the storage is, and as the operator has it. */
export function admission({ health, readonly }: Admission): NonNullable<HandlerOptions['admit']> {
  return (_access, method) => {
    health.admit(PUTS.has(method) ? 'write' : 'read')
    if (!readonly || !(PUTS.has(method) || method === 'DELETE')) return
    throw new Refusal('unsupported', {
      because: 'it is read-only for maintenance, until the operator takes storage.maintenance.readonly back',
    })
  }
}
