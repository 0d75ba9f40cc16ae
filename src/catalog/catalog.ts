import type { Algorithm, Digest } from '../oci/digest.ts'
import type { RepositoryKind, Write } from './commands.ts'

export interface Repository {
  readonly name: string
  /** `cached`: a copy of an upstream's; nobody pushes to it. */
  readonly kind: RepositoryKind
}

export interface StoredManifest {
  readonly digest: Digest
  readonly mediaType: string
  /** Exactly as received. */
  readonly bytes: Uint8Array
}

/** What a tag points at, in a repository of this kind. */
export interface TaggedManifest extends StoredManifest, TagTimes {
  readonly kind: RepositoryKind
}

/** Of a tag, in epoch milliseconds. */
export interface TagTimes {
  /** When it was set. */
  readonly movedAt: number
  /** When its upstream last said that it points there. */
  readonly confirmedAt?: number
  /** When its upstream said that it is there no longer. */
  readonly goneAt?: number
}

export interface TagEntry extends TagTimes {
  readonly name: string
  readonly digest: Digest
}

/** What a referrers list says of one manifest (OCI Distribution, "Listing Referrers"). */
export interface Referrer {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

export interface UploadSession {
  readonly id: string
  readonly repository: string
  /** Name of the account that began it; empty: nobody signed in. */
  readonly account: string
  readonly algorithm: Algorithm
  /** Epoch milliseconds. */
  readonly startedAt: number
}

/** A download that is not whole, as far as it must be known after a restart. */
export interface FillNote {
  /** Of the write in the store of fills. */
  readonly id: string
  readonly upstream: string
  readonly digest: Digest
  /** Of the machine, when it was last written to. */
  readonly boot: string
  /** Bytes that a power cut cannot take. */
  readonly synced: number
}

/** How one thing that is wrong with an upstream went: of each cause by each route there is one. */
export interface FailureRecord {
  readonly upstream: string
  readonly route: string
  readonly cause: string
  /** Its first sign ever, and its last one. Times are epoch milliseconds. */
  readonly firstAt: number
  readonly lastAt: number
  /** Signs of it, ever. */
  readonly count: number
  /** Since when it was so the last time, with how many signs, and when that ended. */
  readonly since: number
  readonly signs: number
  readonly endedAt?: number
  /** The last that met it. */
  readonly request?: string
  /** The last sign: JSON that the catalog does not read. */
  readonly facts: string
}

/** A request that an upstream failed, slowed or made stale. */
export interface Trace {
  /** Its id. */
  readonly request: string
  /** Epoch milliseconds. */
  readonly at: number
  /** An address. */
  readonly client: string
  readonly upstream: string
  readonly kind: string
  /** Canonical. */
  readonly repository: string
  /** A tag or a digest; empty: it was about the repository. */
  readonly reference: string
  readonly outcome: string
  readonly cause?: string
  readonly hop?: string
  readonly route?: string
  readonly status?: number
  readonly bytes: number
  readonly resumes: number
  /** Milliseconds, whole ones. */
  readonly headerMs?: number
  readonly totalMs: number
  /** JSON that the catalog does not read. */
  readonly facts: string
  readonly attempts: string
}

/** Which traces: those whose request id begins so, or those of a repository (its last components suffice) or reference. */
export type TracesOf =
  | { readonly request: string }
  | { readonly repository?: string | undefined; readonly reference?: string | undefined }

/** One of registry:2's link files that may no longer say what the catalog says. The catalog decides what it should say. */
export interface LinkJob {
  /** Grows with each renewal. */
  readonly seq: number
  readonly repository: string
  readonly what: 'blob' | 'manifest' | 'tag'
  /** A digest, or the name of a tag. */
  readonly key: string
}

export interface ManifestEntry {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
  readonly pinned: boolean
}

/** A page: `last` is exclusive and need not exist; order is by bytes (ASCII). */
export interface Page {
  readonly after?: string
  readonly limit: number
}

/**
 * What a catalog that is damaged, or a copy of one, still says. Checked against nothing: bytes may be gone, and what was
 * deleted since may be there.
 */
export interface Remains {
  readonly repositories: readonly RepositoryRemains[]
  readonly uploads: readonly UploadSession[]
  /** What could not be read, each a sentence. */
  readonly losses: readonly string[]
}

export interface RepositoryRemains {
  readonly name: string
  /** Left out: it could not be read. */
  readonly kind?: RepositoryKind
  readonly blobs: readonly Digest[]
  readonly manifests: readonly {
    readonly digest: Digest
    /** Left out: it could not be read. */
    readonly mediaType?: string
    readonly pinned: boolean
    /** Epoch milliseconds. */
    readonly at: number
  }[]
  readonly tags: readonly {
    readonly name: string
    readonly digest: Digest
    readonly at: number
    /** As in `TagTimes`. */
    readonly confirmedAt?: number
    readonly goneAt?: number
  }[]
}

/**
 * The truth about repositories, manifests, tags and references. It holds the
 * bytes of manifests, and knows which blobs there are; their bytes are the blob
 * store's business.
 *
 * Reads are short and see every write that has resolved. No read stays open over
 * an `await`. Every implementation passes `test/contracts/catalog.contract.ts`.
 *
 * Invariant: a row never names bytes that are not durable.
 */
export interface Catalog extends AsyncDisposable {
  readonly write: Write

  /** A repository exists from its first blob or manifest on; it stays when it is emptied. */
  repository(name: string): Promise<Repository | undefined>
  repositories(page: Page): Promise<Repository[]>

  manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined>
  manifestByTag(repository: string, tag: string): Promise<TaggedManifest | undefined>
  /** In order of digest. */
  manifests(repository: string, page: Page): Promise<ManifestEntry[]>
  /** In order of name. */
  tags(repository: string, page: Page): Promise<TagEntry[]>
  tag(repository: string, name: string): Promise<TagEntry | undefined>
  /** In order of digest. Fewer than `limit` where they are large, but one if there is any: only none is the end. */
  referrers(repository: string, subject: Digest, page: Page & { artifactType?: string }): Promise<Referrer[]>

  /** Bytes of a blob that is tied to the repository and not leaving. */
  blobSize(repository: string, digest: Digest): Promise<number | undefined>
  /** In order of digest. */
  blobs(repository: string, page: Page): Promise<{ digest: Digest; size: number }[]>
  /** Repositories that the blob is tied to, by name; none while it is leaving. */
  repositoriesOfBlob(digest: Digest): Promise<string[]>
  /** Blobs whose removal has begun: a crash may have left the rest of it undone. */
  leaving(): Promise<Digest[]>

  /** Bytes of a blob that any repository has, and that is not leaving. Whether it may be seen is another question. */
  blobAnywhere(digest: Digest): Promise<number | undefined>
  /** A manifest of the repository that names the digest as a layer or a configuration. */
  manifestNaming(repository: string, digest: Digest): Promise<StoredManifest | undefined>

  fill(id: string): Promise<FillNote | undefined>
  /** In order of their ids. */
  fills(page: Page): Promise<FillNote[]>

  upload(id: string): Promise<UploadSession | undefined>
  /** In order of their ids. */
  uploads(page: Page): Promise<UploadSession[]>

  /** In order of upstream, route and cause. */
  failures(): Promise<FailureRecord[]>
  /** The newest first. */
  traces(of: TracesOf, limit: number): Promise<Trace[]>

  /** The oldest first. */
  linkJobs(limit: number): Promise<LinkJob[]>

  /** How far the adoption of a folder of registry:2 has come. */
  adoption(): Promise<{ done: boolean; repositories: ReadonlySet<string> }>
}
