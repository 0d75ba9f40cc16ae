import type { Catalog } from '../catalog/catalog.ts'
import { Refusal } from '../oci/refusal.ts'

/** Refuses what would change a copy of an upstream's repository: it has its home elsewhere. */
export async function refuseCached(catalog: Catalog, repository: string): Promise<void> {
  if ((await catalog.repository(repository))?.kind !== 'cached') return
  throw new Refusal('unsupported', {
    because:
      `'${repository}' is a cached copy of an upstream's repository, which nobody changes here; ` +
      `push under another name, or have the operator make it yours: homeport import registry2 --config config.yml --as hosted ${repository}`,
  })
}
