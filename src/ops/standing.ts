/** How a check stands after its last rounds. */
export interface Standing {
  /** Rounds that failed one after the other, up to now. */
  readonly failures: number
  /** What the last one said. */
  readonly problem?: Problem
}

/** Why a round failed. */
export interface Problem {
  /** Ends a sentence, without a full stop. Of a check of the storage it is told to clients too: no path, no secret. */
  readonly message: string
  /** The disk has no room, which a client may be told apart from all else. */
  readonly full?: boolean
}

/** One that no round has looked at is taken for sound, as registry:2 does. */
export const SOUND: Standing = { failures: 0 }

/** How it stands after one more round. `problem`: `undefined` for a round that went well. */
export function afterRound({ failures }: Standing, problem: Problem | undefined): Standing {
  return problem === undefined ? SOUND : { failures: failures + 1, problem }
}

/** Why the check fails, or `undefined`. `threshold`: how many rounds must have failed; 0 is 1, as for registry:2. */
export function failureOf({ failures, problem }: Standing, threshold: number): Problem | undefined {
  return failures >= Math.max(1, threshold) ? problem : undefined
}
