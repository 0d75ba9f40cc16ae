import { askServer } from './control.ts'
import { OPERATIONS, type OperationName, type OptionsOf } from './operation-table.ts'
import type { Operation, OperationContext } from './operations.ts'
import { openVolume, type VolumeOptions } from './volume.ts'

type How = Pick<OperationContext, 'tell' | 'signal'>

/** Has an operation done by the server that holds the folder, or here, holding it meanwhile. Resolves to the exit code. */
export async function performOnVolume<Name extends OperationName>(
  where: VolumeOptions,
  name: Name,
  options: OptionsOf<Name>,
  how: How,
): Promise<number> {
  const code = await askServer(where.rootdirectory, name, options, how)
  if (code !== undefined) return code
  await using volume = await openVolume(where)
  return await perform(name, options, { ...how, root: volume.root, parts: { ...volume, now: Date.now } })
}

export async function perform<Name extends OperationName>(
  name: Name,
  options: OptionsOf<Name>,
  context: OperationContext,
): Promise<number> {
  // The table pairs each operation with its options; the compiler does not see that both come from one row.
  const operation: Operation<OptionsOf<Name>> = OPERATIONS[name] as Operation<OptionsOf<Name>>
  return await operation(context, options)
}
