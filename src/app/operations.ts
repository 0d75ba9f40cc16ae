import type { Parts } from '../registry/parts.ts'

/** One result of an operation, or news of how far it is. Plain data: it may come over the control socket. */
export type Told =
  | { readonly row: Readonly<Record<string, string | number | boolean>> }
  | { readonly note: string }
  | { readonly progress: { readonly done: number; readonly total: number; readonly what: string } }

export interface OperationContext {
  readonly parts: Pick<Parts, 'catalog' | 'blobs' | 'now'>
  /** Folder of the volume. */
  readonly root: string
  readonly tell: (told: Told) => void
  readonly signal: AbortSignal
}

/** Work on a volume that an operator asks for by a command. Resolves to the exit code. */
export type Operation<Options> = (context: OperationContext, options: Options) => Promise<number>
