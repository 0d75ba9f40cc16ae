import { firstRefused, type PatternRules, PatternTimeout } from '../base/pattern.ts'
import type { Manifest } from '../oci/manifest.ts'
import { Refusal } from '../oci/refusal.ts'

const LONGEST = 2048

/**
 * Refuses a manifest with an address that the operator does not take (registry:2, `validation.manifests.urls`): clients
 * would fetch from there what they believe to be ours.
 */
export function refuseUrls({ references }: Manifest, rules: PatternRules): void {
  const urls = references.flatMap(({ urls }) => urls ?? [])
  if (urls.length === 0) return
  const odd = urls.find((url) => url.length > LONGEST || !/^https?:\/\/[^#]*$/i.test(url) || !URL.canParse(url))
  const refused = odd ?? matched(urls, rules)
  if (refused === undefined) return
  throw new Refusal('manifest-invalid', {
    because: `its content may not be at '${refused.slice(0, 200)}', by validation.manifests.urls`,
  })
}

function matched(urls: readonly string[], rules: PatternRules): string | undefined {
  try {
    return firstRefused(urls, rules)
  } catch (error) {
    if (!(error instanceof PatternTimeout)) throw error
    const because = 'its addresses take too long to compare with validation.manifests.urls'
    throw new Refusal('manifest-invalid', { because, cause: error })
  }
}
