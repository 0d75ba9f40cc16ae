import { dirname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { publishFile, removeFile, renewFile, syncFile, tryDisk } from '../base/durable-file.ts'
import type { CommandName, Data } from '../catalog/commands.ts'
import { type OpenOptions, openDatabase } from '../catalog/sqlite.ts'
import { openWriter } from '../catalog/writer.ts'
import { migrationName } from '../ops/backups.ts'
import { type FromWriter, OPENING, pack, type ToWriter, type WriterSetup } from './writer-messages.ts'

/**
 * The thread's own file. It owns the writing connection, and does every sync and rename.
 *
 * Invariant: it never waits for anything but the disk.
 */
function run(port: NonNullable<typeof parentPort>, { root, catalogFile, backups }: WriterSetup): void {
  const database = openDatabase(catalogFile, backups === undefined ? {} : { keep: keepIn(backups, root) })
  const write = openWriter(database, () => renewFile(`${catalogFile}-wal`))

  function tell(message: FromWriter): void {
    port.postMessage(message)
  }

  function perform(message: ToWriter): unknown {
    switch (message.do) {
      case 'write':
        return write(message.name, message.data as Data<CommandName>)
      case 'publish':
        return publishFile(message.from, message.to, root)
      case 'sync':
        return syncFile(message.path)
      case 'try':
        return tryDisk(message.path)
      case 'close':
        // Commands that came before share a transaction that runs at the end of this turn.
        setImmediate(() => {
          database.close()
          port.close()
        })
        return undefined
    }
  }

  async function answer(message: ToWriter): Promise<void> {
    try {
      tell({ id: message.id, answer: await perform(message) })
    } catch (error) {
      tell({ id: message.id, error: pack(error) })
    }
  }

  port.on('message', (message: ToWriter) => void answer(message))
  tell({ id: OPENING, answer: undefined })
}

function keepIn(backups: string, root: string): NonNullable<OpenOptions['keep']> {
  return (version, copyTo) => {
    const to = join(backups, migrationName(version))
    const growing = `${dirname(backups)}/catalog.db.copy`
    removeFile(growing)
    copyTo(growing)
    publishFile(growing, to, root)
  }
}

if (parentPort !== null) {
  try {
    run(parentPort, workerData as WriterSetup)
  } catch (error) {
    parentPort.postMessage({ id: OPENING, error: pack(error) } satisfies FromWriter)
  }
}
