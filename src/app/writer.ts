import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Write } from '../catalog/commands.ts'
import { type FromWriter, OPENING, type ToWriter, unpack, type WriterSetup } from './writer-messages.ts'

/** The way to the thread that does everything durable. */
export interface Writer extends AsyncDisposable {
  readonly write: Write
  /** Makes a file durable and moves it to its place, below the volume's folder. */
  readonly publish: (from: string, to: string) => Promise<void>
  /** Makes what a file holds outlive a power cut. */
  readonly makeDurable: (path: string) => Promise<void>
  /** Writes a file, syncs it, reads it back and takes it away, behind what waits. Rejects with what the disk said. */
  readonly tryDisk: (path: string) => Promise<void>
  /** Resolves if the thread ends without having been asked: nothing can be written any more. */
  readonly died: Promise<Error>
  /** How much was asked of the thread and is not answered yet. */
  readonly queue: () => number
}

interface Waiting {
  resolve: (answer: unknown) => void
  reject: (error: Error) => void
}

/** Resolves when the catalog is open for writing; throws what kept it from that. */
export async function startWriter(setup: WriterSetup): Promise<Writer> {
  // Named by the running file's own ending: the compiler does not rewrite it.
  const file = import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js'
  const worker = new Worker(new URL(file, import.meta.url), { workerData: setup })
  const waiting = new Map<number, Waiting>()
  let last = OPENING
  let ended: Error | undefined

  const died = new Promise<Error>((resolve) => {
    const end = (error: Error) => {
      ended ??= error
      for (const { reject } of waiting.values()) reject(ended)
      waiting.clear()
      resolve(ended)
    }
    worker.on('error', (error: unknown) => end(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', (code) => end(new Error(`The writer thread has ended with code ${code}`)))
  })

  worker.on('message', (message: FromWriter) => {
    const caller = waiting.get(message.id)
    waiting.delete(message.id)
    if ('error' in message) caller?.reject(unpack(message.error))
    else caller?.resolve(message.answer)
  })

  function answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (ended === undefined) waiting.set(id, { resolve, reject })
      else reject(ended)
    })
  }

  function ask(message: ToWriter): Promise<unknown> {
    const answer = answerTo(message.id)
    worker.postMessage(message)
    return answer
  }

  function nextId(): number {
    last += 1
    return last
  }

  try {
    await answerTo(OPENING)
  } catch (error) {
    await worker.terminate()
    throw error
  }

  return {
    // The one cast of the crossing: the command table types both ends.
    write: ((name, data) => ask({ id: nextId(), do: 'write', name, data })) as Write,
    publish: async (from, to) => {
      await ask({ id: nextId(), do: 'publish', from, to })
    },
    makeDurable: async (path) => {
      await ask({ id: nextId(), do: 'sync', path })
    },
    tryDisk: async (path) => {
      await ask({ id: nextId(), do: 'try', path })
    },
    died,
    queue: () => waiting.size,
    async [Symbol.asyncDispose]() {
      if (ended !== undefined) return
      const exit = once(worker, 'exit')
      await ask({ id: nextId(), do: 'close' })
      await exit
    },
  }
}
