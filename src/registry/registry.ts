import type { BlobReader } from '../blobs/blob-store.ts'
import type { Referrer, StoredManifest } from '../catalog/catalog.ts'
import type { Algorithm, Digest } from '../oci/digest.ts'
import type { Asker } from './activity.ts'
import type { Located, NameAsked } from './addressing.ts'

/**
 * What `http/` may ask for: the rules of a registry, without HTTP.
 *
 * Names, tags and digests come checked (`oci/`). A repository is its canonical name, as `locate` answers. Whether the caller may do the thing that he asks for is
 * decided before; `Caller.may` is asked here only about *other* repositories, and whether "it is there" is
 * a promise to somebody who may push.
 *
 * Every method throws a `Refusal` for what the client did wrong, and anything else for a fault of ours.
 */
export interface Registry extends Manifests, Blobs, Listings {
  readonly uploads: Uploads
  /** Which repository is meant. Throws `name-unknown`, and `unsupported` for a push to what belongs to an upstream. */
  locate(asked: NameAsked): Promise<Located>
}

export type Action = 'pull' | 'push' | 'delete'

export interface Caller {
  /** Empty: nobody signed in. */
  readonly account: string
  may(action: Action, repository: string): boolean
  /** Whether a rule that lets him names this repository, and not whatever there is. Left out: there are no rules. */
  names?(action: Action, repository: string): boolean
}

export interface Manifests {
  /** Throws `manifest-unknown` or `name-unknown`, and of a cached repository what its upstream's failure is (`upstream-refusal.ts`). `warning`: what the client should be told beside it. */
  findManifest(repository: string, reference: string, asker: Asker): Promise<FoundManifest>

  /** Checks, stores and tags; in force, durably, when it resolves. */
  putManifest(repository: string, push: ManifestPush): Promise<{ digest: Digest; subject?: Digest; tags: string[] }>

  /** By digest: with all its tags. By tag: only the tag. */
  deleteManifest(repository: string, reference: string): Promise<void>
}

export interface FoundManifest extends StoredManifest {
  readonly warning?: string
  /** It could not be kept: `findBlob` does not have it. */
  readonly unkept?: true
}

export interface ManifestPush {
  /** A tag, or the digest that the bytes must have. */
  readonly reference: string
  /** More tags, for a reference that is a digest. */
  readonly tags: readonly string[]
  /** As sent; parameters are ignored. */
  readonly contentType: string | undefined
  readonly bytes: Uint8Array
  /** From `If-Match` and `If-None-Match: *`: what the reference must be at, `undefined` for absent. Left out: anything. */
  readonly expects?: { readonly digest: Digest | undefined }
}

export interface FoundBlob {
  readonly digest: Digest
  /** Bytes. Left out: it is on its way here, and the upstream does not tell. */
  readonly size?: number
  /**
   * The caller closes the reader. Of a blob that is on its way, `read` waits for bytes, and rejects where they do not
   * come whole; without a size, it resolves to 0 at the end.
   *
   * `part`: the reader is asked for nothing outside of it. One that ends before the blob does is not waited for until all
   * of the blob has come and is right.
   */
  open(part?: { readonly start: number; readonly end: number }): Promise<BlobReader>
}

export interface Blobs {
  /**
   * Throws `blob-unknown`. A manifest's digest finds the manifest's bytes.
   *
   * `promisedTo`: who is told no more than that it is there (HEAD). If he may push, that is a promise, and
   * the blob has a lease before this resolves.
   */
  findBlob(
    repository: string,
    digest: Digest,
    options: { asker: Asker; promisedTo?: Caller | undefined },
  ): Promise<FoundBlob>

  /** Unties the blob from the repository. */
  deleteBlob(repository: string, digest: Digest): Promise<void>
}

/** Which session, of whom. Another repository's, or another account's, is `upload-unknown`. */
export interface UploadKey {
  readonly id: string
  readonly repository: string
  readonly caller: Caller
}

export interface UploadStatus {
  readonly id: string
  /** Bytes received. */
  readonly received: number
}

export interface Chunk {
  /** In pieces that are worth a write each. A piece may be overwritten as soon as the next is asked for. */
  readonly body: AsyncIterable<Uint8Array>
  /** From `Content-Range`: where the chunk begins, and how long it says it is. Left out: at the end, as it comes. */
  readonly span?: { readonly start: number; readonly length: number }
}

/** Pushing a blob. One session takes one call at a time; others wait their turn. */
export interface Uploads {
  begin(repository: string, caller: Caller, algorithm: Algorithm): Promise<UploadStatus>

  /** Throws `upload-out-of-order` where the chunk does not begin where the session stands; that harms nothing. */
  append(key: UploadKey, chunk: Chunk): Promise<UploadStatus>

  /** Appends what is left, and makes the blob the repository's, durably. A wrong digest ends the session. */
  finish(key: UploadKey, digest: Digest, chunk: Chunk): Promise<void>

  status(key: UploadKey): Promise<UploadStatus>

  cancel(key: UploadKey): Promise<void>

  /** Ties a blob that the caller may pull elsewhere (`from`, or anywhere) to the repository. False: he has to send it. */
  mount(repository: string, digest: Digest, options: { from?: string; caller: Caller }): Promise<boolean>
}

export interface Listing<Item> {
  readonly items: readonly Item[]
  /** What to ask with as `last` for the next page; left out: there is none. */
  readonly next?: string
  /** What the client should be told beside it. */
  readonly warning?: string
}

/** Pages: `last` is exclusive; `limit` is what fits, already clamped. */
export interface PageAsked {
  readonly last?: string
  readonly limit: number
}

export interface Listings {
  /** Throws `name-unknown`. */
  listTags(repository: string, page: PageAsked, asker: Asker): Promise<Listing<string>>

  /** Those that the caller may pull, in full pages. */
  listRepositories(caller: Caller, page: PageAsked): Promise<Listing<string>>

  /** Never throws for what is not there, but for an upstream that fails. Pages end before `maxBytes` of descriptors, too. */
  listReferrers(
    repository: string,
    subject: Digest,
    options: { artifactType?: string; last?: string; maxBytes: number; asker: Asker },
  ): Promise<Listing<Referrer>>
}
