import { after } from 'node:test'

const GRACE_MS = 5_000

// Preloaded into each test file's process. Where a file's tests are over and something still keeps the process alive
// (a server, a worker, a socket), it would hang the whole run: it is told and ended, and the file fails.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  after(() => {
    setTimeout(() => {
      const alive = process.getActiveResourcesInfo().join(', ')
      process.stderr.write(`The tests are over, and this still runs: ${alive}\n`)
      // oxlint-disable-next-line no-restricted-properties -- nothing else ends a process that something keeps alive
      process.exit(1)
    }, GRACE_MS).unref()
  })
}
