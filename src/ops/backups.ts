/** How many daily copies are kept. */
const KEPT = 7

const DAILY = /^catalog-\d{4}-\d{2}-\d{2}\.db$/

/** Name of the copy of a day (UTC). `now`: epoch milliseconds. */
export function dailyName(now: number): string {
  return `catalog-${new Date(now).toISOString().slice(0, 10)}.db`
}

/** Name of the copy that is made before a migration leaves that version of the schema. */
export function migrationName(version: number): string {
  return `catalog-schema-${version}.db`
}

/** Of the names in the folder of copies, the newest daily one first; what is none of ours is left out. */
export function dailyCopies(names: readonly string[]): string[] {
  return names
    .filter((name) => DAILY.test(name))
    .sort()
    .reverse()
}

/** Daily copies that are too many. Copies made before migrations are kept. */
export function surplusCopies(names: readonly string[]): string[] {
  return dailyCopies(names).slice(KEPT)
}

/** What a copy must leave free, in bytes: the disk is for images. */
const RESERVE = 64 * 1024 * 1024

/** Whether there is room for a copy of so many bytes, without taking the last that pushes have. */
export function hasRoom(free: number, size: number): boolean {
  return free >= 2 * size + RESERVE
}
