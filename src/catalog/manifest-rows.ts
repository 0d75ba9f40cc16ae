import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { keepBlob } from './blob-rows.ts'
import type { Statements } from './statements.ts'

/** A manifest that was pushed or fetched, perhaps again, and whose bytes the blob store holds. */
export function keepManifest(
  statements: Statements,
  repository: number,
  { digest, bytes, manifest, at }: { digest: Digest; bytes: Uint8Array; manifest: Manifest; at: number },
): void {
  keepBlob(statements, { digest, size: bytes.length })
  if (insertManifest(statements, repository, { digest, bytes, manifest, pinned: false, at })) return
  statements.run('update manifests set pushed_at = ? where repository = ? and digest = ?', at, repository, digest)
}

/** Its row, its bytes and what it names; what is there stays as it is. Returns whether it is new to the repository. */
export function insertManifest(
  statements: Statements,
  repository: number,
  {
    digest,
    bytes,
    manifest,
    pinned,
    at,
  }: { digest: Digest; bytes: Uint8Array; manifest: Manifest; pinned: boolean; at: number },
): boolean {
  const { mediaType, artifactType, annotations, subject, references } = manifest
  statements.run(
    'insert into manifest_contents (digest, bytes) values (?, ?) on conflict (digest) do nothing',
    digest,
    bytes,
  )
  const inserted = statements.run(
    `insert into manifests (repository, digest, media_type, size, artifact_type, annotations, subject, pinned, pushed_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (repository, digest) do nothing`,
    repository,
    digest,
    mediaType,
    bytes.length,
    artifactType ?? null,
    annotations === undefined ? null : JSON.stringify(annotations),
    subject ?? null,
    pinned ? 1 : 0,
    at,
  )
  if (inserted === 0) return false
  for (const reference of references) {
    statements.run(
      `insert into manifest_references (repository, manifest, digest, kind) values (?, ?, ?, ?)
       on conflict do nothing`,
      repository,
      digest,
      reference.digest,
      reference.kind,
    )
  }
  return true
}

/** The manifest, its references, every tag on it, and its bytes with the last of its rows. */
export function removeManifest(statements: Statements, repository: number, digest: Digest): void {
  statements.run('delete from tags where repository = ? and digest = ?', repository, digest)
  statements.run('delete from manifest_references where repository = ? and manifest = ?', repository, digest)
  statements.run('delete from manifests where repository = ? and digest = ?', repository, digest)
  statements.run(
    'delete from manifest_contents where digest = ?1 and not exists (select 1 from manifests where digest = ?1)',
    digest,
  )
}
