const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** Reads `200GiB`, `5 GB` or a number of bytes into bytes; `undefined`: it is no size. */
export function parseSize(value: string | number): number | undefined {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?) ?([kMGT]?i?B|KiB)?$/.exec(String(value)) ?? []
  const factor = BYTES[unit]
  return count === undefined || factor === undefined ? undefined : Math.round(Number(count) * factor)
}

/** The shortest text that reads back to the same bytes. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    const size = BYTES[unit] ?? 1
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return `${bytes}B`
}
