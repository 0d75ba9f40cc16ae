import assert from 'node:assert/strict'

/**
 * What `read` makes of foreign bytes; `undefined`: it refused them, and said so in the way that it should. Any other
 * exception is a fault of ours: somebody could bring it about.
 */
export function unlessRefused<Value>(
  read: () => Value,
  refusal: 'Refusal' | 'OperatorError' = 'Refusal',
): Value | undefined {
  try {
    return read()
  } catch (error) {
    assert.ok(error instanceof Error && error.name === refusal, `a fault, and no ${refusal}: ${String(error)}`)
    // A client's megabyte is not told back to him, nor to the log.
    assert.ok(
      error.message.length < 2000 || refusal === 'OperatorError',
      `a message of ${error.message.length} characters`,
    )
    return undefined
  }
}
