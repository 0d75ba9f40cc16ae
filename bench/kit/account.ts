import { hash } from 'bcryptjs'

/** The one account of a contender that has one. */
export const ACCOUNT = { user: 'bench', password: 'correct horse battery staple' } as const

/** As clients send it. */
export const AUTHORIZATION = `Basic ${Buffer.from(`${ACCOUNT.user}:${ACCOUNT.password}`).toString('base64')}`

/** The line that `htpasswd -B -C <cost>` writes. */
export async function htpasswdFor(cost: number): Promise<string> {
  return `${ACCOUNT.user}:${await hash(ACCOUNT.password, cost)}\n`
}
