import type * as z from 'zod'
import { registryName } from '../base/registry-name.ts'
import { formatAddress, type ListenAddress } from './address.ts'
import type { Config } from './settings.ts'
import { unknownGroups } from './settings-access.ts'

/** What is wrong between sections that are each right. */
export function checkSections(config: SectionsTogether, context: z.RefinementCtx): void {
  for (const { path, message } of [
    ...twoDefaults(config),
    ...twoListeners(config),
    ...twoHosts(config),
    ...unknownGroups(config),
  ]) {
    context.addIssue({ code: 'custom', path: [...path], message })
  }
}

type SectionsTogether = Pick<Config, 'http' | 'proxy' | 'upstreams' | 'access' | 'groups'>

interface Fault {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** `proxy` is the default upstream, and one more name of a registry that `upstreams` has would be a second cache of it. */
function twoDefaults({ proxy, upstreams = {} }: SectionsTogether): Fault[] {
  if (proxy === undefined || !URL.canParse(proxy.remoteurl)) return []
  const name = registryName(new URL(proxy.remoteurl).host)
  if (Object.hasOwn(upstreams, name)) {
    const message = `is what proxy.remoteurl names, too: take proxy away, and write default: true here`
    return [{ path: ['upstreams', name], message }]
  }
  return Object.entries(upstreams)
    .filter(([, upstream]) => upstream?.default === true)
    .map(([key]) => ({
      path: ['upstreams', key],
      message: 'must not be the default beside proxy.remoteurl, which is it',
    }))
}

interface Listener {
  readonly path: readonly string[]
  readonly address: ListenAddress
}

function twoListeners({ http, upstreams = {} }: SectionsTogether): Fault[] {
  const { addr, debug } = http
  const all: Listener[] = [
    { path: ['http', 'addr'], address: addr },
    ...(debug.addr === undefined ? [] : [{ path: ['http', 'debug', 'addr'], address: debug.addr }]),
    ...Object.entries(upstreams).flatMap(([name, upstream]) =>
      upstream?.listen === undefined ? [] : [{ path: ['upstreams', name, 'listen'], address: upstream.listen }],
    ),
  ]
  return all.flatMap(({ path, address }, index) => {
    const other = all.slice(0, index).find((before) => isSame(before.address, address))
    if (other === undefined) return []
    const taken = `${other.path.join('.')} (${formatAddress(other.address)})`
    return [{ path, message: `must be another address than ${taken}` }]
  })
}

/** Whether who listens at one of them keeps another from listening at the other. One that was refused already is a text. */
function isSame(one: ListenAddress, other: ListenAddress): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return false
  if ('path' in one || 'path' in other) return 'path' in one && 'path' in other && one.path === other.path
  return one.port !== 0 && one.port === other.port && (isEvery(one) || isEvery(other) || one.host === other.host)
}

function isEvery({ host }: { readonly host: string | undefined }): boolean {
  return host === undefined || host === '0.0.0.0' || host === '::'
}

/** A host name means one upstream, and never the whole server. */
function twoHosts({ http, upstreams = {} }: SectionsTogether): Fault[] {
  const taken = new Map<string, string>()
  if (http.host !== undefined && URL.canParse(http.host)) taken.set(new URL(http.host).hostname, 'http.host')
  return Object.entries(upstreams).flatMap(([name, upstream]) =>
    (upstream?.hosts ?? []).flatMap((host, index) => {
      const other = taken.get(host.toLowerCase())
      taken.set(host.toLowerCase(), `upstreams.${name}`)
      if (other === undefined) return []
      return [
        {
          path: ['upstreams', name, 'hosts', index],
          message: `must be a name that nothing else has, as ${other} does`,
        },
      ]
    }),
  )
}
