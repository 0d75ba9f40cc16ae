const BLOCK = 512
/** The largest size that eleven octal digits hold. */
const LARGEST = 8 ** 11 - 1

export interface TarFile {
  /** Path in the archive, without a slash in front; up to 100 ASCII characters. */
  readonly path: string
  readonly bytes: string | Uint8Array
  /** Default 0o644. */
  readonly mode?: number
}

/** A ustar archive (POSIX.1-1988) of plain files: owner root, modified in 1970, so that equal files give equal bytes. */
export function tarOf(files: readonly TarFile[]): Buffer {
  const parts = files.flatMap(({ path, bytes, mode }) => {
    const content = Buffer.from(bytes)
    return [tarHeader(path, content.length, mode), content, tarPadding(content.length)]
  })
  return Buffer.concat([...parts, TAR_END])
}

export const TAR_END = Buffer.alloc(2 * BLOCK)

/** What fills the last block of a file. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
}

export function tarHeader(path: string, size: number, mode = 0o644): Buffer {
  if (path.length > 100) throw new Error(`'${path}' does not fit into the header of a ustar archive`)
  if (size > LARGEST) throw new Error(`${size} bytes do not fit into a ustar archive`)
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'ascii')

  header.write(path, 0, 'ascii')
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  header.write('0', 156, 'ascii')
  header.write('ustar\x0000', 257, 'binary')

  // The checksum counts its own field as blanks.
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii')
  return header
}
