import type { Told } from '../app/operations.ts'
import type { Call, VolumeCall } from './command.ts'
import { configOf } from './find-config.ts'

/** The folder of the configuration that the command names, for whoever holds it to work on. */
export function volumeFor({ options, terminal, signal }: Call): VolumeCall['volume'] {
  const { config, quickstart, lenient } = options
  const { filesystem } = configOf({
    file: config === true ? undefined : config,
    quickstart: quickstart === true,
    lenient: lenient === true,
  }).storage
  const how = {
    signal,
    tell(told: Told) {
      if ('lines' in told) terminal.paragraph(told.row, told.lines)
      else if ('row' in told) terminal.row(told.row)
      else if ('note' in told) terminal.note(told.note)
      else terminal.progress(told.progress)
    },
  }
  return {
    async perform(operation, operationOptions) {
      const { performOnVolume } = await import('../app/perform.ts')
      return await performOnVolume(filesystem, operation, operationOptions, how)
    },
    async rebuild() {
      const { rebuildVolume } = await import('../app/rebuild.ts')
      return await rebuildVolume(filesystem, how)
    },
  }
}
