import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { test } from 'node:test'
import { changeHtpasswd, refuseUnwritable, textOfHtpasswd } from '../../../src/auth/htpasswd-write.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const modeOf = (path: string) => statSync(path).mode & 0o7777
const isRoot = process.getuid?.() === 0

test('a new file is for its owner alone, and nothing else is left', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('htpasswd')
  assert.equal(await changeHtpasswd(path, (text) => `${text}ann:x\n`), 'replaced')
  assert.equal(readFileSync(path, 'utf8'), 'ann:x\n')
  assert.equal(modeOf(path), 0o600)
  assert.deepEqual(readdirSync(folder.path), ['htpasswd'])
})

test('a file keeps its mode, whatever the umask', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('htpasswd')
  writeFileSync(path, 'ann:x\n')
  for (const mode of [0o644, 0o640, 0o666]) {
    chmodSync(path, mode)
    await changeHtpasswd(path, (text) => text.replace('x', 'y'))
    assert.equal(modeOf(path), mode)
  }
})

test('a file keeps its owner', { skip: !isRoot && 'only root may give files away' }, async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('htpasswd')
  writeFileSync(path, 'ann:x\n')
  chownSync(path, 1234, 2345)
  await changeHtpasswd(path, () => 'bob:y\n')
  assert.deepEqual([statSync(path).uid, statSync(path).gid], [1234, 2345])
})

test('a link stays one, and what it leads to is changed', async () => {
  await using folder = await temporaryFolder()
  writeFileSync(folder.at('real'), 'ann:x\n')
  symlinkSync('real', folder.at('htpasswd'))
  await changeHtpasswd(folder.at('htpasswd'), () => 'bob:y\n')
  assert.equal(readFileSync(folder.at('real'), 'utf8'), 'bob:y\n')
  assert.deepEqual(readdirSync(folder.path).sort(), ['htpasswd', 'real'])
})

test('an edit that throws changes nothing, and leaves nothing', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('htpasswd')
  writeFileSync(path, 'ann:x\n')
  const fail = () => {
    throw new Error('not so')
  }
  await assert.rejects(changeHtpasswd(path, fail), /not so/)
  assert.equal(readFileSync(path, 'utf8'), 'ann:x\n')
  assert.deepEqual(readdirSync(folder.path), ['htpasswd'])
})

test('changes at once wait for each other, and none is lost', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('htpasswd')
  const names = Array.from({ length: 8 }, (_, index) => `user${index}`)
  await Promise.all(names.map((name) => changeHtpasswd(path, (text) => `${text}${name}:x\n`)))
  assert.deepEqual(
    readFileSync(path, 'utf8').trim().split('\n').sort(),
    names.map((name) => `${name}:x`),
  )
})

test('what a killed command left is taken away after a minute', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('htpasswd')
  writeFileSync(`${path}.new`, 'half')
  utimesSync(`${path}.new`, new Date(), new Date(Date.now() - 61_000))
  await changeHtpasswd(path, () => 'ann:x\n')
  assert.deepEqual(readdirSync(folder.path), ['htpasswd'])
})

test('a folder that is missing, and a file that is a folder, are told with the path and the remedy', async () => {
  await using folder = await temporaryFolder()
  const missing = { name: 'OperatorError', message: /'.*none\/htpasswd'.*ENOENT/, hint: /folder first/ }
  await assert.rejects(
    changeHtpasswd(folder.at('none', 'htpasswd'), () => ''),
    missing,
  )
  assert.throws(() => textOfHtpasswd(folder.path), { name: 'OperatorError', message: /EISDIR/, hint: /not its folder/ })
})

test('a file that is not UTF-8 is not changed, because its lines could not be kept', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('htpasswd')
  writeFileSync(path, Buffer.from('# J\u00fcrgen\nann:x\n', 'latin1'))
  await assert.rejects(
    changeHtpasswd(path, (text) => text),
    { name: 'OperatorError', message: /not UTF-8/ },
  )
  assert.equal(readFileSync(path).length, 15)
})

test('that it cannot be changed is known before a password is asked for', async () => {
  await using folder = await temporaryFolder()
  refuseUnwritable(folder.at('htpasswd'))
  assert.throws(() => refuseUnwritable(folder.at('none/htpasswd')), { message: /Cannot change the users in '.*none/ })
})
