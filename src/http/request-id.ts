import { randomBytes } from 'node:crypto'

/** What a client is told with an error, and every line that comes of its request has. */
export function newRequestId(): string {
  return randomBytes(8).toString('hex')
}
