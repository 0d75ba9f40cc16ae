import { Readable } from 'node:stream'
import type { Answer, RegistryClient } from '../helpers/registry-client.ts'

const PIECE = 16 * 1024

/** Requests under way, of all clients, and a call to be made when so much has happened. */
export class Flight {
  /** Requests that were begun and are not answered. */
  open = 0
  #events = 0
  #at = Number.POSITIVE_INFINITY
  #call: () => void = () => {}

  /** Calls once after so many events from now: a request that begins, a piece of a body that goes out. */
  after(events: number, call: () => void): void {
    this.#events = 0
    this.#at = events
    this.#call = call
  }

  /** Sends a request; of a body, each piece is an event. Rejects where no answer comes. */
  async request(
    client: RegistryClient,
    method: string,
    path: string,
    { body, headers }: { body?: Buffer; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Answer> {
    this.open += 1
    this.#event()
    try {
      return await client.request(method, path, {
        headers: { ...headers, ...(body && { 'content-length': String(body.length) }) },
        ...(body && { body: Readable.from(this.#pieces(body)) }),
      })
    } finally {
      this.open -= 1
    }
  }

  *#pieces(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += PIECE) {
      yield bytes.subarray(at, at + PIECE)
      this.#event()
    }
  }

  #event(): void {
    this.#events += 1
    if (this.#events !== this.#at) return
    this.#call()
  }
}
