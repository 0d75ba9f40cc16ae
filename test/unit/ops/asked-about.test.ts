import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedAbout } from '../../../src/ops/asked-about.ts'
import { digestOf } from '../../helpers/digest-of.ts'

const DIGEST = digestOf('an image')

/** Each candidate as `repository reference`, or `#id`. */
function seen(text: string): string[] {
  return askedAbout(text).candidates.map((of) =>
    'request' in of ? `#${of.request}` : `${of.repository ?? '*'} ${of.reference ?? '*'}`,
  )
}

// biome-ignore format: one case a line
const CASES: readonly (readonly [text: string, seen: readonly string[], upstream?: string])[] = [
  ['bdf816ca985e050d', ['#bdf816ca985e050d', 'bdf816ca985e050d *']],
  ['cafe', ['#cafe', 'cafe *']],
  ['abc', ['abc *']],
  ['alpine', ['alpine *']],
  ['alpine:3', ['alpine 3']],
  ['library/alpine:3', ['library/alpine 3']],
  ['docker.io/library/alpine:3', ['docker.io/library/alpine 3', 'library/alpine 3'], 'docker.io'],
  ['docker.io/alpine', ['docker.io/library/alpine *', 'alpine *'], 'docker.io'],
  ['Index.Docker.io/library/alpine', ['docker.io/library/alpine *', 'library/alpine *'], 'docker.io'],
  ['docker://ghcr.io/owner/app:v1', ['ghcr.io/owner/app v1', 'owner/app v1'], 'ghcr.io'],
  ['localhost:5000/ghcr.io/owner/app', ['localhost:5000/ghcr.io/owner/app *', 'ghcr.io/owner/app *', 'owner/app *'], 'localhost:5000'],
  ['ghcr.io', ['ghcr.io *'], 'ghcr.io'],
  [DIGEST, [`* ${DIGEST}`]],
  [`alpine@${DIGEST}`, [`alpine ${DIGEST}`]],
  [`alpine:3@${DIGEST}`, [`alpine ${DIGEST}`]],
  ['', []],
  [':', []],
]

for (const [text, expected, upstream] of CASES) {
  test(`'${text.replace(DIGEST, 'DIGEST')}' may be ${expected.length} things`, () => {
    assert.deepEqual(seen(text), expected)
    assert.equal(askedAbout(text).upstream, upstream)
  })
}
