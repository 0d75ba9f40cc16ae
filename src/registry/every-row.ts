import type { Page } from '../catalog/catalog.ts'

const ROWS_AT_ONCE = 1_000

/** All rows of a paged read, a page at a time: nothing stays open in between. */
export async function* everyRow<Row>(
  read: (page: Page) => Promise<Row[]>,
  keyOf: (row: Row) => string,
): AsyncGenerator<Row> {
  let after: string | undefined
  for (;;) {
    const rows = await read({ limit: ROWS_AT_ONCE, ...(after !== undefined && { after }) })
    yield* rows
    const last = rows.at(-1)
    if (rows.length < ROWS_AT_ONCE || last === undefined) return
    after = keyOf(last)
  }
}
