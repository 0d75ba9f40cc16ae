/**
 * What the work resolves to, or the reason of the signal if that fires first. What comes after it goes to `late`; that
 * the work fails then is of no interest, and ends nothing: also where the signal had fired before.
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  late: (result: T) => void = () => undefined,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const leave = () => {
    reject(signal.reason)
    work.then(late, () => undefined)
  }
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })
  work.then(resolve, reject)
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
