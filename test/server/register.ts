/** How a write ended. `unknown`: no answer came, and it may have been done all the same. */
export type Outcome = 'done' | 'refused' | 'unknown'

/** A look at a register, as long as it takes. */
export interface Look<Value> {
  /** Whether it may have held that. */
  may(value: Value): boolean
  /** Ends it. What was seen is what is there, unless somebody wrote meanwhile. */
  end(saw?: Value): void
}

export interface Writing<Value> {
  /** Whether it may have held that before. */
  may(value: Value): boolean
  end(outcome: Outcome): void
}

/**
 * What one place may hold - a tag, a manifest or a blob of a repository - as far as those who ask the server can know.
 *
 * A write counts from when it is asked for. When none is under way any more and one of them was done, what was there
 * before is gone.
 */
export class Register<Value> {
  #possible: Set<Value>
  readonly #asked = new Set<Value>()
  readonly #looks = new Set<Set<Value>>()
  #underWay = 0
  #done = false
  /** Writes that were begun, ever. */
  #writes = 0

  constructor(value: Value) {
    this.#possible = new Set([value])
  }

  write(value: Value): Writing<Value> {
    const before = new Set(this.#possible)
    const alone = this.#underWay === 0
    for (const values of [this.#possible, this.#asked, ...this.#looks]) values.add(value)
    this.#looks.add(before)
    this.#underWay += 1
    this.#writes += 1
    const turn = this.#writes
    return {
      may: (other) => before.has(other),
      end: (outcome) => {
        this.#looks.delete(before)
        this.#underWay -= 1
        this.#done ||= outcome === 'done'
        if (this.#underWay > 0) return
        if (this.#done) this.#possible = new Set(this.#asked)
        else if (outcome === 'refused' && alone && turn === this.#writes) this.#possible = before
        this.#asked.clear()
        this.#done = false
      },
    }
  }

  look(): Look<Value> {
    const seen = new Set(this.#possible)
    this.#looks.add(seen)
    const quiet = this.#underWay === 0
    const turn = this.#writes
    return {
      may: (value) => seen.has(value),
      end: (saw) => {
        this.#looks.delete(seen)
        if (saw !== undefined && quiet && turn === this.#writes) this.#possible = new Set([saw])
      },
    }
  }

  /** All that it may hold now. */
  get possible(): ReadonlySet<Value> {
    return this.#possible
  }
}
