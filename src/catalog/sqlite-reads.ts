import type { DatabaseSync } from 'node:sqlite'
import type { Digest } from '../oci/digest.ts'
import type {
  Catalog,
  FailureRecord,
  FillNote,
  LinkJob,
  ManifestEntry,
  Page,
  Referrer,
  Repository,
  StoredManifest,
  TagEntry,
  TaggedManifest,
  TagTimes,
  Trace,
  TracesOf,
  UploadSession,
} from './catalog.ts'
import type { Write } from './commands.ts'
import { blobAnywhere, fillOf, fillsOf, manifestNaming } from './fill-reads.ts'
import { openForReading } from './sqlite.ts'
import { Statements } from './statements.ts'
import type { BlobRow, ManifestContentRow, ManifestRow, RepositoryRow, TagRow, UploadRow } from './tables.ts'
import { failuresOf, tracesOf } from './trouble-reads.ts'

/** Opens the catalog for the main thread: it reads by itself, and writes through `write`, which stays the caller's to close. */
export function openReads(path: string, write: Write): Catalog {
  return new SqliteCatalog(openForReading(path), write)
}

type TimesRow = Pick<TagRow, 'moved_at' | 'confirmed_at' | 'gone_at'>
type StoredRow = Pick<ManifestRow, 'digest' | 'media_type'> & Pick<ManifestContentRow, 'bytes'>

/** Manifests of so many bytes are read for one page of referrers: it holds their annotations. */
const REFERRERS_BYTES = 1024 * 1024

/** Short reads on a connection of their own. Each is one statement, and so sees one state of the catalog. */
class SqliteCatalog implements Catalog {
  readonly write: Write
  readonly #database: DatabaseSync
  readonly #statements: Statements

  constructor(database: DatabaseSync, write: Write) {
    this.write = write
    this.#database = database
    this.#statements = new Statements(database)
  }

  async repository(name: string): Promise<Repository | undefined> {
    return this.#statements.get<Repository>('select name, kind from repositories where name = ?', name)
  }

  async repositories({ after = '', limit }: Page): Promise<Repository[]> {
    return this.#statements.all<Repository>(
      'select name, kind from repositories where name > ? order by name limit ?',
      after,
      rowsOf(limit),
    )
  }

  async manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    return storedFrom(
      this.#statements.get<StoredRow>(
        `select manifests.digest, manifests.media_type, manifest_contents.bytes
         from repositories
         join manifests on manifests.repository = repositories.id
         join manifest_contents on manifest_contents.digest = manifests.digest
         where repositories.name = ? and manifests.digest = ?`,
        repository,
        digest,
      ),
    )
  }

  async manifestByTag(repository: string, tag: string): Promise<TaggedManifest | undefined> {
    const row = this.#statements.get<StoredRow & Pick<RepositoryRow, 'kind'> & TimesRow>(
      `select repositories.kind, manifests.digest, manifests.media_type, manifest_contents.bytes,
       tags.moved_at, tags.confirmed_at, tags.gone_at from repositories
       join tags on tags.repository = repositories.id
       join manifests on manifests.repository = tags.repository and manifests.digest = tags.digest
       join manifest_contents on manifest_contents.digest = manifests.digest
       where repositories.name = ? and tags.name = ?`,
      repository,
      tag,
    )
    const found = storedFrom(row)
    return found && row && { ...found, kind: row.kind, ...timesFrom(row) }
  }

  async manifests(repository: string, { after = '', limit }: Page): Promise<ManifestEntry[]> {
    const rows = this.#statements.all<Pick<ManifestRow, 'digest' | 'media_type' | 'size' | 'pinned'>>(
      `select digest, media_type, size, pinned from manifests
       where repository = (select id from repositories where name = ?) and digest > ? order by digest limit ?`,
      repository,
      after,
      rowsOf(limit),
    )
    return rows.map(({ digest, media_type, size, pinned }) => ({
      digest,
      mediaType: media_type,
      size,
      pinned: pinned === 1,
    }))
  }

  async tags(repository: string, { after = '', limit }: Page): Promise<TagEntry[]> {
    const rows = this.#statements.all<TagRow>(
      `select name, digest, moved_at, confirmed_at, gone_at from tags
       where repository = (select id from repositories where name = ?) and name > ? order by name limit ?`,
      repository,
      after,
      rowsOf(limit),
    )
    return rows.map(tagFrom)
  }

  async tag(repository: string, name: string): Promise<TagEntry | undefined> {
    const row = this.#statements.get<TagRow>(
      `select name, digest, moved_at, confirmed_at, gone_at from tags
       where repository = (select id from repositories where name = ?) and name = ?`,
      repository,
      name,
    )
    return row && tagFrom(row)
  }

  async referrers(
    repository: string,
    subject: Digest,
    { after = '', limit, artifactType }: Page & { artifactType?: string },
  ): Promise<Referrer[]> {
    // Annotations are never longer than the manifest that they came with.
    const rows = this.#statements.all<ManifestRow>(
      `select manifests.digest, media_type, manifests.size, artifact_type, annotations from (
         select repository as home, digest as listed,
         sum(size) over (order by digest rows unbounded preceding) - size as before from manifests
         where repository = (select id from repositories where name = ?1) and subject = ?2 and digest > ?3
         and (?4 is null or artifact_type = ?4) order by digest limit ?5
       ) join manifests on manifests.repository = home and manifests.digest = listed
       where before < ?6 order by listed`,
      repository,
      subject,
      after,
      artifactType ?? null,
      rowsOf(limit),
      REFERRERS_BYTES,
    )
    return rows.map(referrerFrom)
  }

  async blobSize(repository: string, digest: Digest): Promise<number | undefined> {
    return this.#statements.get<Pick<BlobRow, 'size'>>(
      `select blobs.size from repositories
       join repository_blobs on repository_blobs.repository = repositories.id
       join blobs on blobs.digest = repository_blobs.digest
       where repositories.name = ? and repository_blobs.digest = ? and blobs.leaving = 0`,
      repository,
      digest,
    )?.size
  }

  async blobs(repository: string, { after = '', limit }: Page): Promise<{ digest: Digest; size: number }[]> {
    return this.#statements.all<Pick<BlobRow, 'digest' | 'size'>>(
      `select blobs.digest, blobs.size from repository_blobs
       join blobs on blobs.digest = repository_blobs.digest
       where repository_blobs.repository = (select id from repositories where name = ?)
       and repository_blobs.digest > ? and blobs.leaving = 0 order by repository_blobs.digest limit ?`,
      repository,
      after,
      rowsOf(limit),
    )
  }

  async repositoriesOfBlob(digest: Digest): Promise<string[]> {
    const rows = this.#statements.all<Pick<RepositoryRow, 'name'>>(
      `select repositories.name from repository_blobs
       join repositories on repositories.id = repository_blobs.repository
       join blobs on blobs.digest = repository_blobs.digest
       where repository_blobs.digest = ? and blobs.leaving = 0 order by repositories.name`,
      digest,
    )
    return rows.map(({ name }) => name)
  }

  async leaving(): Promise<Digest[]> {
    const rows = this.#statements.all<Pick<BlobRow, 'digest'>>(
      'select digest from blobs where leaving = 1 order by digest',
    )
    return rows.map(({ digest }) => digest)
  }

  async blobAnywhere(digest: Digest): Promise<number | undefined> {
    return blobAnywhere(this.#statements, digest)
  }

  async manifestNaming(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    return manifestNaming(this.#statements, repository, digest)
  }

  async fill(id: string): Promise<FillNote | undefined> {
    return fillOf(this.#statements, id)
  }

  async fills(page: Page): Promise<FillNote[]> {
    return fillsOf(this.#statements, page)
  }

  async upload(id: string): Promise<UploadSession | undefined> {
    const row = this.#statements.get<UploadRow>(
      'select id, repository, account, algorithm, started_at from uploads where id = ?',
      id,
    )
    return row && sessionFrom(row)
  }

  async uploads({ after = '', limit }: Page): Promise<UploadSession[]> {
    const rows = this.#statements.all<UploadRow>(
      'select id, repository, account, algorithm, started_at from uploads where id > ? order by id limit ?',
      after,
      rowsOf(limit),
    )
    return rows.map(sessionFrom)
  }

  async failures(): Promise<FailureRecord[]> {
    return failuresOf(this.#statements)
  }

  async traces(of: TracesOf, limit: number): Promise<Trace[]> {
    return tracesOf(this.#statements, of, rowsOf(limit))
  }

  async linkJobs(limit: number): Promise<LinkJob[]> {
    return this.#statements.all<LinkJob>(
      `select link_jobs.seq, repositories.name as repository, link_jobs.what, link_jobs.key from link_jobs
       join repositories on repositories.id = link_jobs.repository order by link_jobs.seq limit ?`,
      rowsOf(limit),
    )
  }

  async adoption(): Promise<{ done: boolean; repositories: ReadonlySet<string> }> {
    const ended = this.#statements.get("select 1 from meta where name = 'adoption-ended'")
    const rows = this.#statements.all<Pick<RepositoryRow, 'name'>>(
      'select name from repositories where id in (select repository from adopted)',
    )
    return { done: ended !== undefined, repositories: new Set(rows.map(({ name }) => name)) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }
}

/** SQLite takes a negative limit for none at all. */
function rowsOf(limit: number): number {
  return Math.max(0, Math.trunc(limit))
}

function storedFrom(row: StoredRow | undefined): StoredManifest | undefined {
  return row && { digest: row.digest, mediaType: row.media_type, bytes: row.bytes }
}

function sessionFrom({ id, repository, account, algorithm, started_at }: UploadRow): UploadSession {
  return { id, repository, account, algorithm, startedAt: started_at }
}

function tagFrom({ name, digest, ...times }: TagRow): TagEntry {
  return { name, digest, ...timesFrom(times) }
}

function timesFrom({ moved_at, confirmed_at, gone_at }: TimesRow): TagTimes {
  return {
    movedAt: moved_at,
    ...(confirmed_at !== null && { confirmedAt: confirmed_at }),
    ...(gone_at !== null && { goneAt: gone_at }),
  }
}

function referrerFrom({ digest, media_type, size, artifact_type, annotations }: ManifestRow): Referrer {
  return {
    digest,
    mediaType: media_type,
    size,
    ...(artifact_type !== null && { artifactType: artifact_type }),
    ...(annotations !== null && { annotations: JSON.parse(annotations) as Record<string, string> }),
  }
}
