/** Downloads that run at once, and how many of them one upstream may have: a dead one must not keep others waiting. */
const MOST = 16
const MOST_OF_ONE = 12

/** Whose download it is. */
export interface Claim {
  readonly upstream: string
  /** Address of who asked first. */
  readonly peer: string
}

interface Waiting extends Claim {
  readonly begin: () => void
}

/** Lets so many downloads run at once that the upstreams stand it, and chooses who is next. */
export class FillSlots {
  readonly #most: number
  readonly #mostOfOne: number
  readonly #running = new Set<Claim>()
  #waiting: Waiting[] = []

  constructor(most = MOST, mostOfOne = MOST_OF_ONE) {
    this.#most = most
    this.#mostOfOne = mostOfOne
  }

  /** Resolves when it is its turn, to what ends it; rejects with the signal's reason where that comes first. */
  async take(claim: Claim, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const left = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        reject(signal.reason)
      }
      const waiting: Waiting = {
        ...claim,
        begin: () => {
          signal.removeEventListener('abort', left)
          this.#running.add(claim)
          resolve()
        },
      }
      signal.addEventListener('abort', left, { once: true })
      this.#waiting.push(waiting)
      this.#next()
    })
    return () => {
      this.#running.delete(claim)
      this.#next()
    }
  }

  #next(): void {
    while (this.#running.size < this.#most) {
      const next = nextInLine(this.#waiting, [...this.#running], this.#mostOfOne)
      if (next === undefined) return
      this.#waiting = this.#waiting.filter((other) => other !== next)
      next.begin()
    }
  }
}

/**
 * Who is next: of the upstream, and then of the client, that has the fewest running, the first. Nobody, where the
 * upstreams of all who wait have as many as one may have.
 */
export function nextInLine<Entry extends Claim>(
  waiting: readonly Entry[],
  running: readonly Claim[],
  mostOfOne: number,
): Entry | undefined {
  const ranked = waiting.map((entry) => {
    const ofUpstream = running.filter(({ upstream }) => upstream === entry.upstream).length
    const ofPeer = running.filter(({ peer }) => peer === entry.peer).length
    return { entry, ofUpstream, ofPeer }
  })
  const [first] = ranked
    .filter(({ ofUpstream }) => ofUpstream < mostOfOne)
    .sort((one, other) => one.ofUpstream - other.ofUpstream || one.ofPeer - other.ofPeer)
  return first?.entry
}
