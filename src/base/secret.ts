import { inspect } from 'node:util'

/**
 * A value that never prints: not in a log line, a template, JSON or an inspected object.
 *
 * Only `reveal` gives it out, so a search for that word finds every place where a secret leaves its type.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [inspect.custom](): string {
    return '***'
  }
}
