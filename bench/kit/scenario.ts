import type { Certificates } from '../../test/helpers/certificates.ts'
import type { TemporaryFolder } from '../../test/helpers/temporary.ts'
import { type CachedUpstream, type Contender, type ContenderName, startContender } from './contender.ts'

/** One line of the table. */
export interface Row {
  readonly work: string
  /** What is to be reached. */
  readonly bar: string
  /** What was measured. */
  readonly figures: string
  /** `undefined`: there is no bar, the figure stands for itself. */
  readonly met: boolean | undefined
}

/** Something that is done to each contender in turn. */
export interface Scenario {
  readonly name: string
  run(kit: Kit): Promise<readonly Row[]>
}

/** What a scenario works with. */
export interface Kit {
  readonly folder: TemporaryFolder
  readonly certificates: Certificates
  /** How often each thing is measured, in turn. */
  readonly runs: number
  /** What sizes of cached blobs are divided by: 1, but where it is only to be seen whether all of it runs. */
  readonly shrink: number
  start(name: ContenderName, options?: StartOptions): Promise<Contender>
}

export interface StartOptions {
  readonly bcryptCost?: number
  readonly env?: Readonly<Record<string, string>>
  /** What is served, where it is not to be a new folder. */
  readonly data?: string
  /** Fills the folder that is to be served, before the start. */
  readonly fill?: (data: string) => Promise<unknown>
  readonly upstream?: CachedUpstream
}

export function makeKit(
  options: Pick<Kit, 'folder' | 'certificates' | 'runs' | 'shrink'> & { readonly homeport: string },
): Kit {
  const { homeport, ...kit } = options
  let started = 0
  return {
    ...kit,
    async start(name, { data: given, fill, ...rest } = {}) {
      started += 1
      const folder = kit.folder.at(`${name}-${started}`)
      const data = given ?? `${folder}/data`
      await fill?.(data)
      return await startContender(name, { folder, data, certificates: kit.certificates, homeport, ...rest })
    },
  }
}
