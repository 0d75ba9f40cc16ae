import type { Algorithm, Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { FailureRecord, Trace } from './catalog.ts'

/**
 * Every write there is: what it takes, and what it answers.
 *
 * Both are plain data, because they cross to the writer thread: no functions, no
 * class instances. What a client must be told comes back as a value, and
 * `registry/` makes a `Refusal` of it.
 *
 * A command that changes hosted content notes in the same transaction which of
 * registry:2's link files must follow (`LinkJob` in `catalog.ts`).
 */
export interface Commands {
  /** Ties bytes to a repository, which it makes if need be. The blob store has made them durable before. Ends `leaving`. */
  commitBlob: { data: { repository: string; digest: Digest; size: number }; answer: undefined }

  /** Ties a blob that another repository has to this one. Answers whether it was there and not leaving. */
  mountBlob: { data: { repository: string; from: string; digest: Digest }; answer: boolean }

  /** Takes the tie away. Answers whether there was one. The bytes stay, for others and for the collector. */
  unlinkBlob: { data: { repository: string; digest: Digest }; answer: boolean }

  /**
   * A manifest whose bytes the blob store holds durably: its row, its references, its referrer entry and
   * its tags. Re-checks in the transaction that every digest in `mustExist` is tied to the repository (as a
   * blob or a manifest); answers with those that are not, and then nothing was written.
   */
  putManifest: {
    data: {
      repository: string
      digest: Digest
      bytes: Uint8Array
      manifest: Manifest
      tags: readonly string[]
      mustExist: readonly Digest[]
      /** Epoch milliseconds. */
      at: number
      /** Digest that each tag must have now (`undefined`: must not exist); left out: whatever it has. */
      ifTagIs?: { digest: Digest | undefined }
    }
    answer: { stored: true } | { missing: Digest[] } | { tagIs: Digest | undefined } | { typeIs: string }
  }

  /**
   * A manifest that came from an upstream, whose bytes the blob store holds durably: its row, its references, and its
   * tag, confirmed at `at`. Answers with the type that it has here; left out: the repository is hosted, and nothing was
   * written.
   */
  putCachedManifest: {
    data: {
      repository: string
      digest: Digest
      bytes: Uint8Array
      manifest: Manifest
      tag?: string
      /** Epoch milliseconds. */
      at: number
    }
    answer: string | undefined
  }

  /** The upstream has said that the tag points at that digest. Answers whether it does here; if not, nothing changes. */
  confirmTag: { data: { repository: string; tag: string; digest: Digest; at: number }; answer: boolean }

  /** The upstream has said that there is no such tag. It stays, marked, until it is confirmed or put again. */
  markTagGone: { data: { repository: string; tag: string; digest: Digest; at: number }; answer: boolean }

  /**
   * What a proxying registry:2 cached gets the name that it has as an upstream's, or goes into what is cached under that
   * name, whose tags win. Answers whether it was done: not where it is hosted, or that name is.
   */
  takeForUpstream: { data: { repository: string; as: string }; answer: boolean }

  /** Takes the tag away, and only it. Answers whether it was there. */
  deleteTag: { data: { repository: string; tag: string }; answer: boolean }

  /** The manifest, every tag on it and its referrer entry. Answers whether it was there. */
  deleteManifest: { data: { repository: string; digest: Digest }; answer: boolean }

  /** First step of a removal, under the digest's lock and with no lease held. Answers whether the row is leaving now: it was there, and no manifest is it or names it. Ties of repositories go with it. */
  markLeaving: { data: { digest: Digest }; answer: boolean }

  /** Last step of a removal: the bytes are gone, so the row goes. Does nothing to a row that is not leaving. */
  deleteLeaving: { data: { digest: Digest }; answer: undefined }

  /** An upload session. Costs no sync: the client that gets its id has been promised nothing yet. */
  beginUpload: {
    data: { id: string; repository: string; account: string; algorithm: Algorithm; startedAt: number }
    answer: undefined
  }

  /** The session ended: committed, cancelled or failed. */
  endUpload: { data: { id: string }; answer: undefined }

  /**
   * A download that goes on, or one that was put down: `synced` bytes of it are on the disk for good. Costs no sync: one
   * that a power cut takes back names an older boot or fewer bytes, and then fewer are trusted.
   */
  noteFill: {
    data: { id: string; upstream: string; digest: Digest; boot: string; synced: number }
    answer: undefined
  }

  /** The download was given up, and its bytes are gone. */
  dropFill: { data: { id: string }; answer: undefined }

  /**
   * Ties bytes that came from an upstream to repositories, which it makes as cached ones if need be. The blob store has
   * made them durable before. Ends `leaving`, and the download (`id`) where there was one.
   */
  commitFill: {
    data: { id?: string; repositories: readonly string[]; digest: Digest; size: number }
    answer: undefined
  }

  /**
   * What went wrong with upstreams: failures take the place of what was noted of them, traces are added, and the newest
   * thousand of them are kept. Costs no sync.
   */
  noteTroubles: { data: { failures: readonly FailureRecord[]; traces: readonly Trace[] }; answer: undefined }

  /** Link files that were brought in line. A job that was renewed since it was read stays. */
  linksWritten: { data: { jobs: readonly { seq: number }[] }; answer: undefined }

  /**
   * A part of a repository that registry:2 left in the folder. May be repeated: what is there stays,
   * and is not changed but for tags in `tags`, which are set where they were not moved after `at`. A blob or
   * manifest that is leaving, and a tag on a manifest that is not there, are passed by. Notes no link jobs: the
   * links are there.
   */
  adopt: {
    data: {
      repository: string
      kind: RepositoryKind
      blobs: readonly { digest: Digest; size: number }[]
      manifests: readonly { digest: Digest; bytes: Uint8Array; manifest: Manifest; pinned: boolean; at: number }[]
      tags: readonly { name: string; digest: Digest; at: number; confirmedAt?: number; goneAt?: number }[]
      /** True with the last part: a later start passes this repository by. */
      complete: boolean
    }
    answer: undefined
  }

  /** Adoption has come to its end, and no later start begins it again. */
  endAdoption: { data: { at: number }; answer: undefined }

  /** Corrects what adoption took a repository for. Answers whether there is one of that name. */
  setRepositoryKind: { data: { repository: string; kind: RepositoryKind }; answer: boolean }
}

export type RepositoryKind = 'hosted' | 'cached'

export type CommandName = keyof Commands
export type Data<Name extends CommandName> = Commands[Name]['data']
export type Answer<Name extends CommandName> = Commands[Name]['answer']

/** How the rest of the program writes. Resolves after the commit. */
export type Write = <Name extends CommandName>(name: Name, data: Data<Name>) => Promise<Answer<Name>>
