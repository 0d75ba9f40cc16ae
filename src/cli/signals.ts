/**
 * Milliseconds in which a further signal is the same one: a terminal sends SIGINT to the whole group, and `npm start`
 * passes its own on.
 */
const SAME_MS = 1000

/**
 * Fires at the first SIGINT or SIGTERM. From a second after that the system's own handling is back, so that the next
 * signal ends the process at once.
 */
export function endSignal(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController()
  const names = ['SIGINT', 'SIGTERM'] as const
  const stop = () => {
    for (const name of names) process.off(name, end)
  }
  function end(name: NodeJS.Signals): void {
    controller.abort(new Error(`Ended by ${name}`))
    setTimeout(stop, SAME_MS).unref()
  }
  for (const name of names) process.on(name, end)
  return { signal: controller.signal, [Symbol.dispose]: stop }
}
