import { formatAddress } from './address.ts'
import type { Warning } from './problems.ts'
import type { Config } from './settings.ts'

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/

/** As registry:2, it starts without users; who asked for that loses nothing by hearing what it means. */
export function openToAll({ auth, http, access }: Config): Warning[] {
  if (auth?.htpasswd !== undefined || access !== undefined) return []
  const { addr } = http
  if ('host' in addr && LOOPBACK.test(addr.host ?? '')) return []
  const reaches = 'path' in addr ? 'may enter the folder of' : 'reaches'
  return [
    {
      place: 'auth',
      message: `ANYBODY who ${reaches} ${formatAddress(addr)} may pull, push and delete: no users are configured`,
      hint: 'set auth.htpasswd.path and run `homeport user add NAME`, or set http.addr to 127.0.0.1:PORT',
    },
  ]
}
