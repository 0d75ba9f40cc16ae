import type { ServerOptions } from '../helpers/server.ts'
import type { Generation } from './run-program.ts'

/** A run of a conformance program, and all that may come out of it. */
export interface Run {
  readonly name: string
  readonly generation: Generation
  readonly config?: NonNullable<ServerOptions['config']>
  readonly options: Readonly<Record<string, string>>
  readonly passed: number
  readonly skipped: readonly Skip[]
}

export interface Skip {
  readonly number: number
  /** Name of the case, or its end. */
  readonly cases: RegExp
  /** What the program says. */
  readonly why: RegExp
  /** Why that is right. */
  readonly because: string
}

const APIS = ['PING', 'PULL', 'PUSH', 'REFERRER', 'TAGS_ATOMIC', 'TAGS_DELETE', 'TAGS_LIST']
const BLOBS = ['ATOMIC', 'DELETE', 'DIGEST_HEADER', 'MOUNT_ANONYMOUS', 'UPLOAD_CANCEL']
const MANIFESTS = ['ATOMIC', 'DELETE', 'DIGEST_HEADER', 'TAG_PARAM']
const DATA = [
  ...['IMAGE', 'INDEX', 'INDEX_LIST', 'ARTIFACT', 'ARTIFACT_LIST', 'SUBJECT', 'SUBJECT_LIST', 'SUBJECT_MISSING'],
  ...['SPARSE', 'DATA_FIELD', 'NONDISTRIBUTABLE', 'CUSTOM_FIELDS', 'NO_LAYERS', 'EMPTY_BLOB', 'SHA512'],
]
const OPTIONS = [
  ...APIS.map((name) => `OCI_API_${name}`),
  ...BLOBS.map((name) => `OCI_API_BLOBS_${name}`),
  ...MANIFESTS.map((name) => `OCI_API_MANIFESTS_${name}`),
  ...DATA.map((name) => `OCI_DATA_${name}`),
]

/** The spec's next version, and every option there is. */
const EVERYTHING: Readonly<Record<string, string>> = {
  OCI_VERSION: 'dev',
  ...Object.fromEntries(OPTIONS.map((name) => [name, 'true'])),
}

const BY_ITSELF = /you have skipped this test/

export const RUNS: readonly Run[] = [
  {
    name: '2023 generation, all four workflows',
    generation: 2023,
    options: {
      ...{ OCI_TEST_PULL: '1', OCI_TEST_PUSH: '1', OCI_TEST_CONTENT_DISCOVERY: '1', OCI_TEST_CONTENT_MANAGEMENT: '1' },
      OCI_AUTOMATIC_CROSSMOUNT: '1',
    },
    passed: 75,
    skipped: [
      {
        number: 2,
        cases: /Setup (Get tag name from environment|Populate registry with test tags \(no push\))$/,
        why: BY_ITSELF,
        because: 'they stand in for a push where a registry takes none; the setup pushed',
      },
      {
        number: 1,
        cases: /Cross-mounting of nonexistent blob should yield session id$/,
        why: BY_ITSELF,
        because: 'it looks at the 202 of a mount that was declined; ours was done (201), and its other half ran',
      },
      {
        number: 1,
        cases: /automatic content discovery disabled should return a 202$/,
        why: BY_ITSELF,
        because: 'a mount that names no source finds one here, so the case that wants 201 ran instead',
      },
    ],
  },
  {
    name: '2026 generation, default options',
    generation: 2026,
    options: {},
    passed: 693,
    skipped: [
      {
        number: 2,
        cases: /\/post cancel\/blob-post-cancel$/,
        why: /Blob upload cancel is disabled in the configuration/,
        because: 'the spec had no cancelling of uploads before its next version; the runs of that one include it',
      },
    ],
  },
  {
    name: '2026 generation, next version of the spec, everything but sparse manifests',
    generation: 2026,
    options: { ...EVERYTHING, OCI_DATA_SPARSE: 'false' },
    passed: 793,
    skipped: [],
  },
  {
    name: '2026 generation, next version of the spec, everything, with validation.manifests.sparse',
    generation: 2026,
    config: { validation: { manifests: { sparse: true } } },
    options: EVERYTHING,
    passed: 830,
    skipped: [],
  },
]
