import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Counts, MadeImage, Manners, Order } from './manners.ts'

/** Starts a registry of made images, as a process of its own: what it costs is not counted as anybody's. */
export async function startUpstream(): Promise<Upstream> {
  const child = fork(join(import.meta.dirname, 'server.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [port] = await once(child, 'message')
  return new Upstream(child, Number(port))
}

/** The upstream of all contenders. One order at a time. */
export class Upstream implements AsyncDisposable {
  readonly port: number
  readonly #child: ChildProcess

  constructor(child: ChildProcess, port: number) {
    this.port = port
    this.#child = child
  }

  /** Without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** An image that nobody has, under the tag `latest`, with a layer of so many bytes. */
  async make(title: string, size: number): Promise<MadeImage> {
    return (await this.#order({ make: { title, size } })) as MadeImage
  }

  async behave(manners: Manners): Promise<void> {
    await this.#order({ behave: manners })
  }

  /** Since the last time. */
  async count(): Promise<Counts> {
    return (await this.#order({ count: true })) as Counts
  }

  /** As `count`, when nobody has fetched anything for a second: some fetch on behind their client. */
  async countAtRest(): Promise<Counts> {
    let sum: Counts = { requests: 0, bytes: 0, open: 0 }
    for (;;) {
      const { requests, bytes, open } = await this.count()
      sum = { requests: sum.requests + requests, bytes: sum.bytes + bytes, open }
      if (requests === 0 && bytes === 0 && open === 0) return sum
      await sleep(1_000)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }

  async #order(order: Order): Promise<unknown> {
    const answered = once(this.#child, 'message')
    this.#child.send(order)
    const [answer] = await answered
    return answer
  }
}
