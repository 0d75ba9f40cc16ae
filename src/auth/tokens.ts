import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Seconds that a client is told. Rights are looked up at each request, so a long life gives away nothing. */
export const LIFETIME = 3600

/** Seconds for which it is taken beyond: clients measure from when they got it, by clocks of their own. */
const LEEWAY = 60

const LONGEST = 8 * 1024

/** What a token is for: actions by the names of repositories, as in URLs. */
export type Scopes = ReadonlyMap<string, ReadonlySet<string>>

export interface TokenContent {
  /** Empty: nobody signed in. */
  readonly account: string
  readonly scopes: Scopes
}

export interface TokensOptions {
  /** Milliseconds, of a clock that no time server sets back: a jump makes no token live longer, or die. */
  readonly now: () => number
  /**
   * What an account's tokens end with: they are good for as long as it is the same. `undefined`: there is no such
   * account, and no token of it is good.
   */
  readonly stateOf: (account: string) => string | undefined
}

/**
 * Makes tokens, and reads its own. They are nobody else's business: no format that a library would read, no algorithm
 * and no key that they name themselves.
 *
 * The key is made anew with each process, so that none is kept anywhere. After a restart every token is answered 401,
 * with the challenge that leads to a new one.
 */
export class Tokens {
  readonly #options: TokensOptions
  readonly #key = randomBytes(32)

  constructor(options: TokensOptions) {
    this.#options = options
  }

  make({ account, scopes }: TokenContent): string {
    const end = this.#options.now() + (LIFETIME + LEEWAY) * 1000
    const plain = [end, account, [...scopes].map(([name, actions]) => [name, [...actions]])]
    const content = Buffer.from(JSON.stringify(plain)).toString('base64url')
    return `${content}.${this.#seal(content, this.#options.stateOf(account) ?? '').toString('base64url')}`
  }

  /** `undefined`: it is none of ours, or good no longer. */
  read(token: string): TokenContent | undefined {
    const { content, seal } = /^(?<content>[\w-]+)\.(?<seal>[\w-]{43})$/.exec(token)?.groups ?? {}
    if (content === undefined || seal === undefined || token.length > LONGEST) return undefined
    const plain = plainOf(content)
    const state = plain && this.#options.stateOf(plain.account)
    if (plain === undefined || state === undefined) return undefined
    // As texts: the last character of base64 has bits that say nothing.
    const right = this.#seal(content, state).toString('base64url')
    if (!timingSafeEqual(Buffer.from(right), Buffer.from(seal))) return undefined
    return this.#options.now() < plain.end ? plain : undefined
  }

  /** Other than a hash with the key before it, nobody can make a longer one of it. */
  #seal(content: string, state: string): Buffer {
    return createHmac('sha256', this.#key).update(`${content}\n${state}`).digest()
  }
}

/** Before anybody knows whether it is ours: anything may be in it. */
function plainOf(content: string): (TokenContent & { readonly end: number }) | undefined {
  try {
    const [end, account, scopes] = JSON.parse(Buffer.from(content, 'base64url').toString()) as [
      number,
      string,
      [string, string[]][],
    ]
    if (typeof end !== 'number' || typeof account !== 'string') return undefined
    return { end, account, scopes: new Map(scopes.map(([name, actions]) => [name, new Set(actions)])) }
  } catch {
    return undefined
  }
}
