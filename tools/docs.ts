import { writeFile } from 'node:fs/promises'
import { DOCUMENTS } from './docs/documents.ts'

// Writes what is made from the settings table: the manual's chapter, and the schema for editors.
for (const { path, text } of DOCUMENTS) await writeFile(path, text())
