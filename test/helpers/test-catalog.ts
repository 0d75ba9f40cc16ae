import type { Catalog } from '../../src/catalog/catalog.ts'
import { openDatabase } from '../../src/catalog/sqlite.ts'
import { openReads } from '../../src/catalog/sqlite-reads.ts'
import { openWriter } from '../../src/catalog/writer.ts'
import { temporaryFolder } from './temporary.ts'

/** A catalog in a file of its own, written in this process. Closing it removes the file. */
export async function openTestCatalog(): Promise<Catalog> {
  const folder = await temporaryFolder()
  const database = openDatabase(folder.at('catalog.db'))
  const catalog = openReads(folder.at('catalog.db'), openWriter(database))
  const closeReads = catalog[Symbol.asyncDispose].bind(catalog)
  return Object.assign(catalog, {
    async [Symbol.asyncDispose]() {
      await closeReads()
      database.close()
      await folder[Symbol.asyncDispose]()
    },
  })
}
