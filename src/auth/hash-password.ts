import { hash } from 'bcryptjs'
import type { Secret } from '../base/secret.ts'

const COST = 10

/** A hash for an htpasswd file. As `$2y$`, which is the same as `$2b$` and which Apache's own programs know too. */
export async function hashPassword(password: Secret): Promise<string> {
  return (await hash(password.reveal(), COST)).replace(/^\$2b\$/, '$2y$')
}
