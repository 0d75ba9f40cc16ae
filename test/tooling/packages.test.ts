import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../tools/command.ts'
import { debianPackages } from '../../tools/test/packages.ts'
import { FAST, SERVER } from '../../tools/test/suites.ts'
import { needs, PROGRAMS, type ProgramName } from '../helpers/programs.ts'

const debian = Object.entries(PROGRAMS).flatMap(([name, program]) =>
  'path' in program ? [{ name: name as ProgramName, ...program }] : [],
)

for (const { name, path, package: owner } of debian) {
  test(`${path} is of the package ${owner}, which the tests install`, needs(name, 'dpkg'), () => {
    assert.deepEqual(ownersOf(path), [owner])
    assert.ok(debianPackages().includes(owner), `${owner} is not in the list of tools/test/packages.ts`)
  })
}

/** Bare names of programs in calls that start one, and paths of programs: both only in the table. */
const BARE = /\b(?:run|start|spawn|spawnSync|(?<!\.)exec|execSync|execFile|execFileSync)\(\s*'([\w.-]+)'/g
const PATH = /'(\/(?:usr\/)?(?:local\/)?s?bin\/[^']+)'/g
const NONE = 'no-such-program'
/** In a container: ours, by the name that registry:2 has there. */
const INSIDE = '/bin/registry'

test('tests start no program that is not in the table', () => {
  const names = new Set<string>([...Object.keys(PROGRAMS), NONE])
  const paths = new Set<string>([...debian.map(({ path }) => path), INSIDE])
  const unknown = globSync('test/**/*.ts', { cwd: ROOT }).flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    const found = [
      ...[...text.matchAll(BARE)].map(([, name = '']) => ({ name, known: names.has(name) })),
      ...[...text.matchAll(PATH)].map(([, name = '']) => ({ name, known: paths.has(name) })),
    ]
    return found.filter(({ known }) => !known).map(({ name }) => `${file}: ${name}`)
  })
  assert.deepEqual(unknown, [])
})

test('only suites that wait for the Go tools start one', () => {
  const built = Object.entries(PROGRAMS).flatMap(([name, program]) => ('goTarget' in program ? [name] : []))
  const early = [...FAST.where, ...SERVER.where].flatMap((where) =>
    where.endsWith('.ts') ? where : `${where}/**/*.test.ts`,
  )
  const wrong = globSync(early, { cwd: ROOT }).flatMap((file) => {
    const asked = readFileSync(join(ROOT, file), 'utf8').match(/\bneeds\([^)]*\)/g) ?? []
    return built.filter((name) => asked.some((call) => call.includes(`'${name}'`))).map((name) => `${file}: ${name}`)
  })
  assert.deepEqual(wrong, [])
})

/** Where /bin is a link to /usr/bin, dpkg may know a file by either name. */
function ownersOf(path: string): readonly string[] {
  const names = [path, path.startsWith('/usr') ? path.slice('/usr'.length) : `/usr${path}`]
  for (const name of names) {
    const line = searchOwner(name).find((line) => !line.startsWith('diversion ') && line.endsWith(`: ${name}`))
    if (line !== undefined)
      return line
        .slice(0, -`: ${name}`.length)
        .split(', ')
        .map((owner) => owner.split(':')[0] ?? '')
  }
  return []
}

function searchOwner(name: string): readonly string[] {
  try {
    return execFileSync(PROGRAMS.dpkg.path, ['--search', name], { encoding: 'utf8', stdio: 'pipe' }).split('\n')
  } catch {
    return []
  }
}
