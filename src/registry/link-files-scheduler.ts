import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, isDigest } from '../oci/digest.ts'
import type { Problem } from './link-files.ts'

const FILE = 'scheduler-state.json'

/** What the list of a proxying registry:2 calls a manifest; blobs are 0. */
const MANIFEST = 1

/**
 * The manifests that registry:2 fetched as a proxy, by repository: it lists what it will drop from its cache.
 *
 * The list lags by 5 s and is not written when registry:2 ends, so it may lack some.
 */
export async function readScheduled(
  root: string,
): Promise<{ manifests: ReadonlyMap<string, ReadonlySet<Digest>>; problem?: Problem }> {
  const manifests = new Map<string, Set<Digest>>()
  let text: string
  try {
    text = await readFile(join(root, FILE), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { manifests }
    throw error
  }
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch {
    const why =
      'cannot be read, so what registry:2 cached is taken for hosted; `import registry2 --as cached NAME…` corrects it'
    return { manifests, problem: { path: FILE, why } }
  }
  for (const entry of Object.values(typeof entries === 'object' && entries !== null ? entries : {})) {
    const { repository, digest } = scheduled(entry) ?? {}
    if (repository === undefined || digest === undefined) continue
    const listed = manifests.get(repository) ?? new Set()
    manifests.set(repository, listed.add(digest))
  }
  return { manifests }
}

/** A key is `name@digest`. */
function scheduled(entry: unknown): { repository: string; digest: Digest } | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const { Key: key, EntryType: type } = entry as Record<'Key' | 'EntryType', unknown>
  if (typeof key !== 'string' || type !== MANIFEST) return undefined
  const at = key.lastIndexOf('@')
  const digest = key.slice(at + 1)
  return at > 0 && isDigest(digest) ? { repository: key.slice(0, at), digest } : undefined
}
