import { type PatternRules, parsePattern } from '../base/pattern.ts'
import type { Config } from '../config/settings.ts'
import type { Policy } from '../registry/parts.ts'

/** What the operator decided of what may be pushed and deleted. */
export function policyOf({ storage, validation }: Pick<Config, 'storage' | 'validation'>): Policy {
  const { sparse, indexes, urls } = validation.manifests
  const deletes = storage.delete.enabled
  // As with registry:2: config and layers of an image have to be there all the same.
  if (validation.disabled) return { deletes, sparse, children: 'none' }
  const rules = rulesOf(urls)
  return {
    deletes,
    sparse,
    children: indexes.platforms === 'list' ? indexes.platformlist : indexes.platforms,
    ...(rules !== undefined && { urls: rules }),
  }
}

function rulesOf({ allow, deny }: Config['validation']['manifests']['urls']): PatternRules | undefined {
  if (allow.length === 0 && deny.length === 0) return undefined
  return { allow: allow.map(parsePattern), deny: deny.map(parsePattern) }
}
