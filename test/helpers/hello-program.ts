/** As image configurations write it. */
export const OWN_ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch

const HEADERS = 64 + 56
const LOADED_AT = 0x400000

/**
 * A Linux program that prints `text` and ends with 0. It needs no libc, no shell and no compiler, so that an image
 * with this one file can be run, on any machine that has a row here.
 */
export function helloProgram(text: string, architecture: string = OWN_ARCHITECTURE): Buffer {
  const message = Buffer.from(text)
  const target = TARGETS[architecture]
  if (target === undefined) throw new Error(`There is no program for ${architecture} here`)
  const content = Buffer.concat([target.code(message.length), message])
  const header = Buffer.alloc(HEADERS)
  const size = BigInt(HEADERS + content.length)

  // ELF-64 file header: little endian, System V, executable.
  header.write('\x7fELF\x02\x01\x01', 0, 'binary')
  header.writeUInt16LE(2, 16)
  header.writeUInt16LE(target.machine, 18)
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(BigInt(LOADED_AT + HEADERS), 24)
  header.writeBigUInt64LE(64n, 32)
  header.writeUInt16LE(64, 52)
  header.writeUInt16LE(56, 54)
  header.writeUInt16LE(1, 56)

  // Its one segment: the whole file, readable and executable.
  header.writeUInt32LE(1, 64)
  header.writeUInt32LE(5, 68)
  header.writeBigUInt64LE(BigInt(LOADED_AT), 64 + 16)
  header.writeBigUInt64LE(BigInt(LOADED_AT), 64 + 24)
  header.writeBigUInt64LE(size, 64 + 32)
  header.writeBigUInt64LE(size, 64 + 40)
  header.writeBigUInt64LE(0x10000n, 64 + 48)
  return Buffer.concat([header, content])
}

interface Target {
  /** ELF's number of the machine. */
  readonly machine: number
  /** `write(1, message, length)`, then `exit(0)`. The message follows the code. */
  readonly code: (length: number) => Buffer
}

const TARGETS: Readonly<Record<string, Target>> = {
  amd64: {
    machine: 62,
    code(length) {
      // mov eax,1; mov edi,1; lea rsi,[rip+16]; mov edx,length; syscall; mov eax,60; xor edi,edi; syscall
      const code = Buffer.from('b801000000bf01000000488d3510000000ba000000000f05b83c00000031ff0f05', 'hex')
      code.writeUInt32LE(length, 18)
      return code
    },
  },
  arm64: {
    machine: 183,
    code(length) {
      const mov = (register: number, value: number) => 0xd2800000 + value * 32 + register
      const svc = 0xd4000001
      // adr x1, message: six instructions on.
      const adr = 0x10000000 + 6 * 32 + 1
      const words = [mov(8, 64), mov(0, 1), adr, mov(2, length), svc, mov(8, 93), mov(0, 0), svc]
      const code = Buffer.alloc(words.length * 4)
      for (const [index, word] of words.entries()) code.writeUInt32LE(word >>> 0, index * 4)
      return code
    },
  },
}
