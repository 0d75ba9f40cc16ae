import type { Socket } from 'node:net'

/** Bytes of a connection, a message at a time. */
export class ConnectionReader {
  #bytes: Buffer = Buffer.alloc(0)
  #wake = () => {}
  #ended = false
  readonly #socket: Socket
  readonly #add = (bytes: Buffer) => {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    this.#wake()
  }

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', this.#add).once('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  async take<T>(parse: (bytes: Buffer) => { readonly value: T; readonly rest: Buffer } | undefined): Promise<T> {
    for (;;) {
      const taken = parse(this.#bytes)
      if (taken) {
        this.#bytes = taken.rest
        return taken.value
      }
      if (this.#ended) throw new Error('The connection ended')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** What came beyond the last message; from here on the connection is another's. */
  release(): Buffer {
    this.#socket.off('data', this.#add).pause()
    return this.#bytes
  }
}
