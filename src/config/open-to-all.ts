import { formatAddress } from './address.ts'
import type { Warning } from './problems.ts'
import type { Config } from './settings.ts'

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/

/** As registry:2, it starts without users; who asked for that loses nothing by hearing what it means. */
export function openToAll({ auth, http }: Config): Warning[] {
  if (auth?.htpasswd !== undefined || 'path' in http.addr || LOOPBACK.test(http.addr.host ?? '')) return []
  return [
    {
      place: 'auth',
      message: `ANYBODY who reaches ${formatAddress(http.addr)} may pull, push and delete: no users are configured`,
      hint: 'set auth.htpasswd.path and run `homeport user add NAME`, or set http.addr to 127.0.0.1:PORT',
    },
  ]
}
