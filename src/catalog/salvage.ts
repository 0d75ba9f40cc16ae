import { DatabaseSync } from 'node:sqlite'
import { isAlgorithm, isDigest } from '../oci/digest.ts'
import { isRepositoryName, isTag } from '../oci/name.ts'
import type { Remains, RepositoryRemains, UploadSession } from './catalog.ts'
import type { RepositoryKind } from './commands.ts'
import type { ManifestRow, RepositoryBlobRow, RepositoryRow, TagRow, UploadRow } from './tables.ts'

/**
 * The ways to read each table: what one does not reach behind a bad page, the next may. Forwards, backwards, and from an
 * index that has the columns that matter most.
 */
const WAYS = {
  repositories: [
    'select id, name, kind from repositories order by id',
    'select id, name, kind from repositories order by id desc',
    'select id, name, null as kind from repositories order by name',
    'select id, name, null as kind from repositories order by name desc',
  ],
  repository_blobs: [
    'select repository, digest from repository_blobs order by repository, digest',
    'select repository, digest from repository_blobs order by repository desc, digest desc',
    'select repository, digest from repository_blobs indexed by repository_blobs_digest order by digest',
    'select repository, digest from repository_blobs indexed by repository_blobs_digest order by digest desc',
  ],
  manifests: [
    'select repository, digest, media_type, pinned, pushed_at from manifests order by rowid',
    'select repository, digest, media_type, pinned, pushed_at from manifests order by rowid desc',
    'select repository, digest, null as media_type, 0 as pinned, 0 as pushed_at from manifests order by repository, digest',
    `select repository, digest, null as media_type, 0 as pinned, 0 as pushed_at from manifests
     order by repository desc, digest desc`,
  ],
  tags: [
    'select repository, name, digest, moved_at, confirmed_at, gone_at from tags order by repository, name',
    'select repository, name, digest, moved_at, confirmed_at, gone_at from tags order by repository desc, name desc',
    `select repository, name, digest, moved_at, null as confirmed_at, null as gone_at from tags
     order by repository, name`,
    `select repository, name, digest, moved_at, null as confirmed_at, null as gone_at from tags
     order by repository desc, name desc`,
    `select repository, name, digest, 0 as moved_at, null as confirmed_at, null as gone_at
     from tags indexed by tags_digest order by repository, digest`,
    `select repository, name, digest, 0 as moved_at, null as confirmed_at, null as gone_at
     from tags indexed by tags_digest order by repository desc, digest desc`,
  ],
  uploads: [
    'select id, repository, account, algorithm, started_at from uploads order by id',
    'select id, repository, account, algorithm, started_at from uploads order by id desc',
  ],
} as const

type Table = keyof typeof WAYS
type Nullable<Row, Columns extends keyof Row> = Omit<Row, Columns> & { [Column in Columns]: Row[Column] | null }

/** Reads what can be read of a catalog that is damaged, or of a copy. The file is not changed. Never throws. */
export function salvage(path: string): Remains {
  const losses: string[] = []
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { readOnly: true })
    return read(database, losses)
  } catch (error) {
    return { repositories: [], uploads: [], losses: [...losses, `it cannot be opened: ${saidBy(error)}`] }
  } finally {
    database?.close()
  }
}

function read(database: DatabaseSync, losses: string[]): Remains {
  const rows = <Row>(table: Table, keyOf: (row: Row) => string) => scan(database, table, { keyOf, losses })
  const homes = new Map<number, Mutable>()
  for (const { id, name, kind } of rows<Nullable<RepositoryRow, 'kind'>>('repositories', ({ id }) => String(id))) {
    // A cached one may begin with a registry's name and its port.
    if (isRepositoryName(name.replace(/^([^/:]+):\d+\//, '$1/')))
      homes.set(id, { name, kind, blobs: [], manifests: [], tags: [] })
  }
  for (const { repository, digest } of rows<RepositoryBlobRow>('repository_blobs', keyOfDigest)) {
    if (isDigest(digest)) homes.get(repository)?.blobs.push(digest)
  }
  for (const row of rows<Nullable<ManifestRow, 'media_type'>>('manifests', keyOfDigest)) {
    const { repository, digest, media_type, pinned, pushed_at: at } = row
    if (!isDigest(digest)) continue
    homes.get(repository)?.manifests.push({
      ...{ digest, pinned: pinned === 1, at },
      ...(media_type !== null && { mediaType: media_type }),
    })
  }
  for (const { repository, name, digest, moved_at: at, confirmed_at, gone_at } of rows<TagRow>('tags', keyOfTag)) {
    if (!isTag(name) || !isDigest(digest)) continue
    homes.get(repository)?.tags.push({
      ...{ name, digest, at },
      ...(confirmed_at !== null && { confirmedAt: confirmed_at }),
      ...(gone_at !== null && { goneAt: gone_at }),
    })
  }
  const uploads = rows<UploadRow>('uploads', ({ id }) => id)
    .filter(({ algorithm }) => isAlgorithm(algorithm))
    .map(({ started_at: startedAt, ...session }): UploadSession => ({ ...session, startedAt }))
  const repositories = [...homes.values()].map(
    ({ kind, ...rest }): RepositoryRemains => ({ ...rest, ...(kind !== null && { kind }) }),
  )
  return { repositories, uploads, losses }
}

type Mutable = {
  -readonly [Key in Exclude<keyof RepositoryRemains, 'kind'>]: RepositoryRemains[Key] extends readonly (infer Item)[]
    ? Item[]
    : RepositoryRemains[Key]
} & { kind: RepositoryKind | null }

const keyOfDigest = ({ repository, digest }: { repository: number; digest: string }) => `${repository} ${digest}`
const keyOfTag = ({ repository, name }: TagRow) => `${repository} ${name}`

/** Every row that some way reaches; the first way that comes to its end has them all. */
function scan<Row>(
  database: DatabaseSync,
  table: Table,
  { keyOf, losses }: { keyOf: (row: Row) => string; losses: string[] },
): Row[] {
  const found = new Map<string, Row>()
  let said = ''
  for (const way of WAYS[table]) {
    try {
      for (const row of database.prepare(way).iterate() as Iterable<Row>) {
        const key = keyOf(row)
        if (!found.has(key)) found.set(key, row)
      }
      if (said !== '') losses.push(`${table}: a page is damaged (${said}), and an index has what it had`)
      return [...found.values()]
    } catch (error) {
      // Of a column that a catalog this old has not, nothing is lost.
      if (!/no such column/.test(saidBy(error))) said ||= saidBy(error)
    }
  }
  losses.push(`${table}: ${said}; ${found.size} rows can be read`)
  return [...found.values()]
}

function saidBy(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
