import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'

/** Places in the folder of a volume that concern the catalog. */
export interface CatalogFiles {
  /** SQLite's; beside it lie its log (`-wal`) and the log's index (`-shm`). */
  readonly catalog: string
  /** A copy while it is being made. */
  readonly copy: string
  readonly backups: string
  /** A new catalog while it is being made, by `homeport rebuild`. */
  readonly rebuilding: string
  /** The same once it is whole. It takes the catalog's place at the next opening of the volume, if not before. */
  readonly rebuilt: string
}

export function catalogFilesOf(root: string): CatalogFiles {
  const own = join(root, 'homeport')
  const catalog = join(own, 'catalog.db')
  return {
    catalog,
    copy: join(own, 'catalog.db.copy'),
    backups: join(own, 'backups'),
    rebuilding: join(own, 'catalog.db.rebuilding'),
    rebuilt: join(own, 'catalog.db.rebuilt'),
  }
}

/**
 * Ends what `homeport rebuild` had all but ended: the new catalog is whole, and takes the place of the old one, which is
 * kept aside with its log. Whoever calls holds the volume. May be repeated after a crash at any place.
 *
 * Invariant: no log lies beside a catalog that did not write it; SQLite would take its pages for newer ones.
 */
export function installRebuilt({ catalog, rebuilt }: CatalogFiles): string | undefined {
  if (!existsSync(rebuilt)) return undefined
  const aside = damagedName(catalog)
  let kept: string | undefined
  // The log's index is made anew by whoever opens the log.
  for (const suffix of ['-shm', '-wal', '']) {
    if (!existsSync(`${catalog}${suffix}`)) continue
    renameSync(`${catalog}${suffix}`, `${aside}${suffix}`)
    kept = aside
  }
  renameSync(rebuilt, catalog)
  return kept
}

/** Where a damaged catalog is kept: `catalog.db.damaged-1`, or the next number that is free. */
function damagedName(catalog: string): string {
  for (let number = 1; ; number += 1) {
    const name = `${catalog}.damaged-${number}`
    if (!existsSync(name) && !existsSync(`${name}-wal`)) return name
  }
}
