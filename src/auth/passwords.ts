import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { Refusal } from '../oci/refusal.ts'
import type { Credentials } from './basic.ts'
import type { BcryptPool } from './bcrypt-pool.ts'
import { FailureLimit } from './failure-limit.ts'
import type { Users } from './htpasswd.ts'
import { neighbourhood } from './neighbourhood.ts'

const REMEMBERED_MS = 10 * 60_000
/** Different passwords of one pair that may wait at once. */
const WAITING = 16
/** What all unknown accounts share a lane and a limit under. No account has this name. */
const NOBODY = ''

/** A login that failed. */
export interface FailedLogin {
  readonly account: string
  /** An IP address. */
  readonly peer: string
  /**
   * - `wrong`: no such user, or another password.
   * - `limited`: not looked at, because too many wrong ones came before.
   */
  readonly because: 'wrong' | 'limited'
}

export interface PasswordsOptions {
  readonly users: Users
  readonly pool: Pick<BcryptPool, 'compare'>
  /** Milliseconds, of a clock that no time server sets back. */
  readonly now: () => number
  readonly failed: (login: FailedLogin) => void
}

interface Attempt {
  readonly credentials: Credentials
  readonly peer: string
  readonly stored: string | undefined
  /** Of the pair: whose turn it is, and who has failed. */
  readonly lane: string
  readonly quietly: boolean
}

/** From where a password comes. */
export interface From {
  /** An IP address. */
  readonly peer: string
  /**
   * It is most likely another registry's, sent because its client knows no better: a wrong one is not told to the
   * operator, and slows nobody who signs in.
   */
  readonly quietly?: boolean
}

/**
 * Verifies passwords. bcrypt costs 60 ms of CPU and more, so a password that was right is remembered for ten
 * minutes, as a hash under a key that never leaves this process.
 *
 * Wrong passwords cannot keep right ones out: what is remembered never waits, and each pair of address and account
 * has its own lane and limit, so that a flood from elsewhere costs a first login no more than its turn. All unknown
 * accounts of one address share a pair. They cost one bcrypt as the known ones do, so that the time tells no names;
 * past the limit all are turned away without, so that guessing costs us nothing.
 */
export class Passwords {
  readonly #options: PasswordsOptions
  readonly #key = randomBytes(32).toString('hex')
  readonly #limit = new FailureLimit()
  readonly #remembered = new Map<string, { proof: Buffer; until: number }>()
  /** Lane, then proof: equal questions share one answer. */
  readonly #running = new Map<string, Map<string, Promise<boolean>>>()
  #users: Users
  #nobodysHash: string

  constructor(options: PasswordsOptions) {
    this.#options = options
    this.#users = options.users
    this.#nobodysHash = dummyHash(options.users)
  }

  /** Other users from now on. Nothing is remembered of the old ones. */
  change(users: Users): void {
    this.#users = users
    this.#nobodysHash = dummyHash(users)
    this.#remembered.clear()
  }

  /** Throws `rate-limited` where too many wrong passwords came for the account from the address. */
  async verify(credentials: Credentials, from: From): Promise<boolean> {
    const { account } = credentials
    const { peer, quietly = false } = from
    const stored = this.#users.get(account)
    const proof = this.#proofOf(credentials, stored)
    if (this.#isRemembered(account, proof)) return true

    // Each kind has lanes of its own.
    const lane = `${quietly ? 'quietly ' : ''}${neighbourhood(peer)} ${stored === undefined ? NOBODY : account}`
    const right = await this.#shared({ credentials, peer, stored, lane, quietly }, proof)
    // Whoever was taken out of the file, or got another password, while bcrypt worked: the file of now decides.
    if (right && this.#users.get(account) !== stored) return await this.verify(credentials, from)
    if (right) this.#remembered.set(account, { proof, until: this.#options.now() + REMEMBERED_MS })
    return right
  }

  /** Whether it was right a short time ago. Costs nothing, and says nothing of what it does not remember. */
  remembers(credentials: Credentials): boolean {
    const { account } = credentials
    return this.#isRemembered(account, this.#proofOf(credentials, this.#users.get(account)))
  }

  /** The hash of an account's password; `undefined`: there is no such account. */
  storedOf(account: string): string | undefined {
    return this.#users.get(account)
  }

  #isRemembered(account: string, proof: Buffer): boolean {
    const remembered = this.#remembered.get(account)
    return (
      remembered !== undefined && this.#options.now() < remembered.until && timingSafeEqual(remembered.proof, proof)
    )
  }

  async #shared(attempt: Attempt, proof: Buffer): Promise<boolean> {
    const { lane, peer, credentials, quietly } = attempt
    const running = this.#running.get(lane) ?? new Map<string, Promise<boolean>>()
    const key = proof.toString('base64')
    const same = running.get(key)
    if (same !== undefined) return await same

    const wait = running.size >= WAITING ? 1 : this.#limit.secondsToWait(lane, this.#options.now())
    if (wait > 0) {
      const { account } = credentials
      if (!quietly) this.#options.failed({ account, peer, because: 'limited' })
      throw new Refusal('rate-limited', {
        because: `too many wrong passwords came for '${account}' from this address; try again in ${wait} s`,
        retryAfter: wait,
      })
    }

    const answer = this.#compare(attempt)
    this.#running.set(lane, running.set(key, answer))
    try {
      return await answer
    } finally {
      running.delete(key)
      if (running.size === 0) this.#running.delete(lane)
    }
  }

  async #compare({ lane, peer, stored, quietly, credentials: { account, password } }: Attempt): Promise<boolean> {
    const question = { password: password.reveal(), hash: stored ?? this.#nobodysHash }
    const matches = await this.#options.pool.compare(lane, question)
    const right = matches && stored !== undefined
    if (!right) {
      this.#limit.noteFailure(lane, this.#options.now())
      if (!quietly) this.#options.failed({ account, peer, because: 'wrong' })
    }
    return right
  }

  #proofOf({ account, password }: Credentials, stored: string | undefined): Buffer {
    return this.#prove(`${account}:${stored ?? ''}:${password.reveal()}`)
  }

  // One-shot: 0.4 µs, where createHmac takes 16 (measured on Node 24). The hash never leaves, so nobody can extend it.
  #prove(text: string): Buffer {
    return hash('sha256', this.#key + text, 'buffer')
  }
}

/** A hash that no password is known for, as costly as the costliest of the users. */
function dummyHash(users: Users): string {
  const costs = [...users.values()].map((stored) => stored.slice(4, 6))
  const cost = costs.toSorted().at(-1) ?? '10'
  return `$2b$${cost}$${'.'.repeat(53)}`
}
