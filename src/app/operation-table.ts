import type { Operation } from './operations.ts'
import { exportRegistry2, importRegistry2 } from './registry2.ts'
import { tellWhy } from './why.ts'

/** THE table of what commands may have done to a volume, by the running server or under its lock. */
export const OPERATIONS = { importRegistry2, exportRegistry2, why: tellWhy } satisfies Readonly<
  Record<string, Operation<never>>
>

export type OperationName = keyof typeof OPERATIONS
export type OptionsOf<Name extends OperationName> = Parameters<(typeof OPERATIONS)[Name]>[1]
