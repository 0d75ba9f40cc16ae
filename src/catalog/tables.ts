import type { Algorithm, Digest } from '../oci/digest.ts'
import type { RepositoryKind } from './commands.ts'

/** A name under which images are found. */
export interface RepositoryRow {
  /** Stands for the name in other tables. */
  id: number
  /** Unique; in order of its bytes. */
  name: string
  /** `cached`: a copy of an upstream's, which nobody pushes to. */
  kind: RepositoryKind
}

/** Bytes that the blob store holds durably: layers, configurations and manifests. */
export interface BlobRow {
  /** Where the bytes are. */
  digest: Digest
  /** Bytes. */
  size: number
  /** 1: its removal has begun, and it counts as absent. Invariant: no row of `repository_blobs` names it then. */
  leaving: 0 | 1
}

/** A tie: the blob may be seen in this repository. Manifests are not tied; their own rows say where they are. */
export interface RepositoryBlobRow {
  /** `repositories.id`. */
  repository: number
  /** `blobs.digest`. */
  digest: Digest
}

/** Bytes of a manifest, once for all repositories. Goes with the last row of `manifests` that has its digest. */
export interface ManifestContentRow {
  /** What the bytes hash to. */
  digest: Digest
  /** Exactly as received. */
  bytes: Uint8Array
}

/** A manifest in a repository. */
export interface ManifestRow {
  /** `repositories.id`. */
  repository: number
  /** `manifest_contents.digest`. */
  digest: Digest
  /** Never changes: one digest must not be two things to two readers. */
  media_type: string
  /** Bytes. */
  size: number
  /** Its own, or of its configuration; what a referrers list is filtered by. */
  artifact_type: string | null
  /** A JSON object of texts. */
  annotations: string | null
  /** Digest of the manifest that this one refers to, which need not be there. */
  subject: Digest | null
  /** 1: never leaves a cache by itself. */
  pinned: 0 | 1
  /** When it was last pushed or fetched, in epoch milliseconds. */
  pushed_at: number
}

/** What a manifest names. Keeps blobs from the collector, in whichever repository. */
export interface ManifestReferenceRow {
  /** `manifests.repository`. */
  repository: number
  /** `manifests.digest`: who names it. */
  manifest: Digest
  /** What is named; it need not be there. */
  digest: Digest
  /** What for. */
  kind: 'config' | 'layer' | 'child'
}

/** A name for a manifest in a repository. */
export interface TagRow {
  /** `manifests.repository`. */
  repository: number
  /** In order of its bytes. */
  name: string
  /** `manifests.digest`. */
  digest: Digest
  /** When it was last set, in epoch milliseconds. */
  moved_at: number
  /** Of a cached one: when its upstream last said that it points there, in epoch milliseconds. */
  confirmed_at: number | null
  /** Of a cached one: when its upstream said that it is there no longer, in epoch milliseconds. */
  gone_at: number | null
}

/** An upload session. Its bytes, and how many there are, are the blob store's business. */
export interface UploadRow {
  /** Told to the client. */
  id: string
  /** A name, because the repository may not be there yet. */
  repository: string
  /** Who began it; empty: nobody signed in. */
  account: string
  /** What is computed while bytes arrive. */
  algorithm: Algorithm
  /** Epoch milliseconds. */
  started_at: number
}

/** A download of a blob that was begun and is not whole. Its bytes, and how many there are, are the blob store's business. */
export interface FillRow {
  /** Of the write in the store of fills. */
  id: string
  /** `docker.io`. */
  upstream: string
  /** What its bytes should hash to. */
  digest: Digest
  /** In which boot of the machine it was last written to: after another one, only `synced` bytes can be trusted. */
  boot: string
  /** Bytes that were synced. */
  synced: number
}

/** What is wrong with an upstream, or was. */
export interface FailureRow {
  /** `docker.io`. */
  upstream: string
  /** `direct`, `http://proxy.lan:8080`. */
  route: string
  /** One of the eleven. */
  cause: string
  /** First sign ever, in epoch milliseconds. */
  first_at: number
  /** Last sign, in epoch milliseconds. */
  last_at: number
  /** Signs, ever. */
  count: number
  /** First sign since it last went well, in epoch milliseconds. */
  since: number
  /** Signs since then. */
  signs: number
  /** When it went well again, in epoch milliseconds; none: it stands. */
  ended_at: number | null
  /** Id of the last request that met it; none: nobody waited. */
  request: string | null
  /** The last sign, as JSON: a `Failure` of `upstream/`. */
  facts: string
}

/** A request that an upstream failed, slowed or made stale. */
export interface TraceRow {
  /** Grows. */
  seq: number
  /** Its id. */
  request: string
  /** When it came, in epoch milliseconds. */
  at: number
  /** Address of whoever asked. */
  client: string
  /** `docker.io`. */
  upstream: string
  /** `manifest`, `blob`, `tags`, `referrers`. */
  kind: string
  /** `docker.io/library/alpine`. */
  repository: string
  /** A tag or a digest; empty: it was about the repository. */
  reference: string
  /** `fetched`, `hit`: it was slowed. `stale`, `failed`: by the cause. */
  outcome: string
  /** Why; none: it was only slowed. */
  cause: string | null
  /** Where on the way. */
  hop: string | null
  /** By which route. */
  route: string | null
  /** What was answered there. */
  status: number | null
  /** Of the body, from the upstream. */
  bytes: number
  /** How often its download was taken up again. */
  resumes: number
  /** Milliseconds to the first header; none: there was no answer. */
  header_ms: number | null
  /** Milliseconds to its end. */
  total_ms: number
  /** Why, as JSON: a `Failure` of `upstream/`, or null. */
  facts: string
  /** What was tried, as JSON: a list of `AttemptMade` of `upstream/`. */
  attempts: string
}

/** A link file of registry:2 that may lag behind. Set anew, it gets a new number, so that who read the old one does not end it. */
export interface LinkJobRow {
  /** Never used twice. */
  seq: number
  /** `repositories.id`. */
  repository: number
  /** Which kind of link. */
  what: 'blob' | 'manifest' | 'tag'
  /** A digest, or the name of a tag. */
  key: string
}

/** A repository of registry:2 that was read to its end. */
export interface AdoptedRow {
  /** `repositories.id`. */
  repository: number
}

/** What there is only one of. */
export interface MetaRow {
  /** `adoption-ended`. */
  name: string
  /** `adoption-ended`: when, in epoch milliseconds. */
  value: string
}
