import type { Digest } from '../oci/digest.ts'
import type { Statements } from './statements.ts'

/** The row of bytes that the blob store holds. One that was leaving stays. */
export function keepBlob(statements: Statements, { digest, size }: { digest: Digest; size: number }): void {
  statements.run(
    `insert into blobs (digest, size) values (?, ?)
     on conflict (digest) do update set size = excluded.size, leaving = 0`,
    digest,
    size,
  )
}
