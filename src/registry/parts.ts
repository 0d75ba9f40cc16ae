import type { PatternRules } from '../base/pattern.ts'
import type { BlobStore } from '../blobs/blob-store.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Cache } from './cache.ts'
import type { DigestLock } from './digest-lock.ts'
import type { Leases } from './leases.ts'

/** What the rules stand on. `app/` makes them, once for a volume. */
export interface Parts {
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly locks: DigestLock
  readonly leases: Leases
  readonly policy: Policy
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly report: Report
  readonly cache: Cache
}

/** What the operator decided. */
export interface Policy {
  /** `storage.delete.enabled`. */
  readonly deletes: boolean
  /** `validation.manifests.sparse`: layers and configs may be missing. */
  readonly sparse: boolean
  /** `validation.manifests.urls`: addresses that a manifest may give for its content. Left out: any. */
  readonly urls?: PatternRules
  /** `validation.manifests.indexes`: which children of an index must be there. */
  readonly children: 'all' | 'none' | readonly { readonly os: string; readonly architecture: string }[]
}

/** Tells the operator of something that no client can put right. */
export type Report = (what: string, facts: Readonly<Record<string, unknown>>) => void
