import type { Scenario } from './kit/scenario.ts'
import { badUpstream } from './scenarios/bad-upstream.ts'
import { besideFills } from './scenarios/beside-fills.ts'
import { cachedTag } from './scenarios/cached-tag.ts'
import { catalog } from './scenarios/catalog.ts'
import { coldPull } from './scenarios/cold-pull.ts'
import { idle } from './scenarios/idle.ts'
import { manifest } from './scenarios/manifest.ts'
import { pullBlob } from './scenarios/pull-blob.ts'
import { pushBlob } from './scenarios/push-blob.ts'
import { sharedPull } from './scenarios/shared-pull.ts'
import { slowDisk } from './scenarios/slow-disk.ts'
import { smallLayers } from './scenarios/small-layers.ts'
import { wrongPasswords } from './scenarios/wrong-passwords.ts'

/** All that `npm run bench` measures, in this order. */
export const SCENARIOS: readonly Scenario[] = [
  pullBlob,
  pushBlob,
  manifest,
  smallLayers,
  catalog,
  slowDisk,
  wrongPasswords,
  idle,
  coldPull,
  besideFills,
  sharedPull,
  badUpstream,
  cachedTag,
]
