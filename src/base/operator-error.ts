/**
 * A mistake that the operator can put right: a bad setting, a port in use, a folder of another process.
 *
 * The message says what is wrong; the hint, when there is one, says what to do. Both are printed without a stack,
 * so neither may carry a secret.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly hint?: string

  constructor(message: string, hint?: string) {
    super(message)
    if (hint !== undefined) this.hint = hint
  }
}
