import { ADOPTION_COMMANDS } from './adoption-commands.ts'
import { BLOB_COMMANDS } from './blob-commands.ts'
import { CACHED_COMMANDS } from './cached-commands.ts'
import type { CommandRows } from './command-row.ts'
import type { CommandName } from './commands.ts'
import { FILL_COMMANDS } from './fill-commands.ts'
import { MANIFEST_COMMANDS } from './manifest-commands.ts'
import { TROUBLE_COMMANDS } from './trouble-commands.ts'
import { UPLOAD_COMMANDS } from './upload-commands.ts'

/** Every write there is, in SQL. Runs where the writing connection is. */
export const SQLITE_COMMANDS: CommandRows<CommandName> = {
  ...BLOB_COMMANDS,
  ...MANIFEST_COMMANDS,
  ...CACHED_COMMANDS,
  ...UPLOAD_COMMANDS,
  ...ADOPTION_COMMANDS,
  ...FILL_COMMANDS,
  ...TROUBLE_COMMANDS,
}
