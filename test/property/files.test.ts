import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseHtpasswd } from '../../src/auth/htpasswd.ts'
import { isDigest } from '../../src/oci/digest.ts'
import { readLink } from '../../src/registry/link-files.ts'
import { repositoriesIn, tagsIn } from '../../src/registry/link-files-walk.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const HASH = `$2y$05$${'a'.repeat(53)}`
const accounts = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .filter((text) => !/[:\n\r]/.test(text) && text === text.trim() && !text.startsWith('#') && !text.includes('\u0085'))
const lines = fc.oneof(
  accounts.map((account) => `${account}:${HASH}`),
  accounts.map((account) => `${account}:{SHA}abc`),
  fc.constantFrom('', '#', '# a:b', ':', `:${HASH}`, 'no colon', `a:${HASH}x`, `a:$2y$32$${'a'.repeat(53)}`),
  fc.string({ unit: 'binary' }),
)

test('htpasswd: whatever is in the file, each line is a user, a comment, empty, or told with its number', () => {
  fc.assert(
    fc.property(fc.array(lines), fc.constantFrom('\n', '\r\n'), fc.boolean(), (list, end, mark) => {
      const text = (mark ? '\ufeff' : '') + list.join(end)
      const { users, leftOut } = parseHtpasswd(text)
      const count = text.split('\n').length
      for (const { line, because } of leftOut) assert.ok(line >= 1 && line <= count && because !== '')
      assert.equal(new Set(leftOut.map(({ line }) => line)).size, leftOut.length)
      for (const [account, hash] of users) {
        assert.match(hash, /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/)
        assert.ok(account !== '' && !account.includes(':') && !account.includes('\n'))
      }
    }),
    { numRuns: 2000 },
  )
})

test('htpasswd: the users that are written are the users that are read, the last of two lines for one', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(accounts, fc.constantFrom('a', 'b', 'c'))), (list) => {
      const entries = list.map(([account, letter]) => [account, `$2y$05$${letter.repeat(53)}`] as const)
      const { users, leftOut } = parseHtpasswd(entries.map(([account, hash]) => `${account}:${hash}\n`).join(''))
      assert.deepEqual(users, new Map(entries))
      assert.deepEqual(leftOut, [])
    }),
    { numRuns: 1000 },
  )
})

test('link files: whatever bytes a link has, it is a digest, or a problem that names its place', async () => {
  await using folder = await temporaryFolder()
  const path = 'link'
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 1100 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(
        fc.constantFrom('', ' ', '\n', '\ufeff'),
        fc.constantFrom(digestOf('a'), digestOf('a', 'sha512'), 'sha256:', '../../etc/passwd'),
        fc.constantFrom('', '\n', 'x', '\0'),
      )
      .map((parts) => Buffer.from(parts.join(''))),
  )
  await fc.assert(
    fc.asyncProperty(contents, async (bytes) => {
      await writeFile(folder.at(path), bytes)
      const found = await readLink(folder.at('.'), path)
      assert.ok(found !== undefined)
      if ('why' in found) return assert.equal(found.path, path)
      assert.ok(isDigest(found.digest))
      assert.ok(bytes.toString().includes(found.digest))
    }),
    { numRuns: 300 },
  )
})

test('link files: whatever folders lie there, what is read has names that a repository and a tag may have', async () => {
  const names = fc.constantFrom(
    'a',
    'b-c',
    'A',
    '.',
    '...',
    ' ',
    '_layers',
    '_manifests',
    'tags',
    'current',
    '-x',
    '\n',
    '\u{1f600}',
    'a'.repeat(200),
  )
  const paths = fc.array(
    fc.array(
      names.filter((name) => name !== '.'),
      { minLength: 1, maxLength: 6 },
    ),
    { maxLength: 6 },
  )
  await fc.assert(
    fc.asyncProperty(paths, async (list) => {
      await using folder = await temporaryFolder()
      for (const components of list) {
        const path = folder.at(join('docker/registry/v2/repositories', ...components, 'link'))
        await mkdir(dirname(path), { recursive: true })
        // Where a file of another path lies already, there is no folder.
        await writeFile(path, digestOf('a')).catch(() => undefined)
      }
      for await (const found of repositoriesIn(folder.at('.'))) {
        if (typeof found !== 'string') {
          assert.ok(found.why !== '')
          continue
        }
        assert.match(found, /^[a-z0-9._/-]+$/)
        for await (const tag of tagsIn(folder.at('.'), found)) if ('tag' in tag) assert.match(tag.tag, /^\w[\w.-]*$/)
      }
    }),
    { numRuns: 60 },
  )
})
