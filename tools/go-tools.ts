import { buildGoTarget } from './go/build-target.ts'
import { goCacheFolder, goTargetFolder } from './go/cache-folder.ts'
import { GO_TARGETS, type GoTargetName } from './go/targets.ts'

// Builds the Go programs that the tests start. No names: all that are not there yet.
// Usage: node tools/go-tools.ts [NAME…]
const asked = process.argv.slice(2)
const known = Object.keys(GO_TARGETS) as GoTargetName[]
const unknown = asked.filter((name) => !known.includes(name as GoTargetName))
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}\n  hint: there are ${known.join(', ')}`)
  process.exitCode = 2
} else {
  const cache = goCacheFolder()
  for (const name of known.filter((name) => asked.length === 0 || asked.includes(name))) {
    const begun = Date.now()
    try {
      const outcome = await buildGoTarget(name, cache)
      console.log(`${goTargetFolder(name, cache)}: ${outcome} (${Math.round((Date.now() - begun) / 1000)} s)`)
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      process.exitCode = 1
    }
  }
}
