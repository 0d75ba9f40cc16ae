import type { Catalog, Page } from '../../src/catalog/catalog.ts'
import { everyRow } from '../../src/registry/every-row.ts'

/** All that a catalog says of its repositories, as plain data: two of them are equal if these are. */
export async function contentOf(catalog: Catalog): Promise<unknown> {
  const repositories = []
  for await (const { name, kind } of everyRow(
    (page) => catalog.repositories(page),
    (row) => row.name,
  )) {
    const rows = async <Row>(read: (repository: string, page: Page) => Promise<Row[]>, keyOf: (row: Row) => string) =>
      structuredClone(await gather(everyRow((page) => read(name, page), keyOf)))
    const manifests = await rows(catalog.manifests.bind(catalog), (row) => row.digest)
    repositories.push({
      name,
      kind,
      manifests,
      tags: await rows(catalog.tags.bind(catalog), (row) => row.name),
      blobs: await rows(catalog.blobs.bind(catalog), (row) => row.digest),
      referrers: (
        await Promise.all(manifests.map(({ digest }) => catalog.referrers(name, digest, { limit: 1_000 })))
      ).flat(),
    })
  }
  return { repositories, adoption: await catalog.adoption() }
}

export async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const gathered: Item[] = []
  for await (const item of items) gathered.push(item)
  return gathered
}
