import type { Digest } from '../oci/digest.ts'
import type { FillNote, Page, StoredManifest } from './catalog.ts'
import type { Statements } from './statements.ts'
import type { BlobRow, FillRow, ManifestContentRow, ManifestRow } from './tables.ts'

export function fillOf(statements: Statements, id: string): FillNote | undefined {
  return statements.get<FillRow>('select id, upstream, digest, boot, synced from fills where id = ?', id)
}

export function fillsOf(statements: Statements, { after = '', limit }: Page): FillNote[] {
  return statements.all<FillRow>(
    'select id, upstream, digest, boot, synced from fills where id > ? order by id limit ?',
    after,
    Math.max(0, Math.trunc(limit)),
  )
}

export function blobAnywhere(statements: Statements, digest: Digest): number | undefined {
  return statements.get<Pick<BlobRow, 'size'>>('select size from blobs where digest = ? and leaving = 0', digest)?.size
}

/** Of those that name it, any: they all say the same of one digest, or one of them lies. */
export function manifestNaming(statements: Statements, repository: string, digest: Digest): StoredManifest | undefined {
  const row = statements.get<Pick<ManifestRow, 'digest' | 'media_type'> & Pick<ManifestContentRow, 'bytes'>>(
    `select manifests.digest, manifests.media_type, manifest_contents.bytes
     from manifest_references
     join manifests on manifests.repository = manifest_references.repository
       and manifests.digest = manifest_references.manifest
     join manifest_contents on manifest_contents.digest = manifests.digest
     where manifest_references.digest = ? and manifest_references.kind in ('config', 'layer')
     and manifest_references.repository = (select id from repositories where name = ?)
     limit 1`,
    digest,
    repository,
  )
  return row && { digest: row.digest, mediaType: row.media_type, bytes: row.bytes }
}
