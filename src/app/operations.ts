import type { Parts } from '../registry/parts.ts'

/** One result of an operation, or news of how far it is. Plain data: it may come over the control socket. */
export type Told =
  | { readonly row: Readonly<Record<string, string | number | boolean>> }
  /** The same for a program, and in lines for a person. */
  | { readonly row: Readonly<Record<string, unknown>>; readonly lines: readonly string[] }
  | { readonly note: string }
  | { readonly progress: { readonly done: number; readonly total: number; readonly what: string } }

export interface OperationContext {
  readonly parts: Pick<Parts, 'catalog' | 'blobs' | 'now'>
  /** Folder of the volume. */
  readonly root: string
  readonly tell: (told: Told) => void
  readonly signal: AbortSignal
  /** Resolves when the catalog has all that happened until now. Left out: it has. */
  readonly settled?: () => Promise<void>
}

/** Work on a volume that an operator asks for by a command. Resolves to the exit code. */
export type Operation<Options> = (context: OperationContext, options: Options) => Promise<number>
