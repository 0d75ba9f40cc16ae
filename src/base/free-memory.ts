/**
 * Gives a buffer's memory back at once; the collector of a server that has nothing to do never comes, and one that has
 * much to do comes often, for what lies behind buffers. Nobody may have it any more, the system neither. It is empty
 * then. One that shares its memory is left as it is, and one that has none: undici hands out its only empty buffer, and
 * fails ever after where that is taken away.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > 0 && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
