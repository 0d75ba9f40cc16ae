import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import { askServer, openControl, type Perform } from '../../../src/app/control.ts'
import type { Told } from '../../../src/app/operations.ts'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const CHECK = { check: true }

function listener(tell: (told: Told) => void = () => undefined) {
  return { tell, signal: new AbortController().signal }
}

async function volumeFolder() {
  const folder = await temporaryFolder()
  mkdirSync(folder.at('homeport'))
  return folder
}

test('control socket: only its owner may open it', async () => {
  await using folder = await volumeFolder()
  await using _control = await openControl(folder.path, async () => 0)
  assert.equal(statSync(folder.at('homeport/control.sock')).mode & 0o777, 0o600)
})

test('control socket: what the server tells comes through, then its exit code', async () => {
  await using folder = await volumeFolder()
  const perform: Perform = async (name, options, { tell }) => {
    tell({ row: { name, check: JSON.stringify(options) } })
    tell({ progress: { done: 1, total: 2, what: 'team/app' } })
    return 1
  }
  await using _control = await openControl(folder.path, perform)
  const told: Told[] = []
  assert.equal(
    await askServer(
      folder.path,
      'exportRegistry2',
      CHECK,
      listener((news) => told.push(news)),
    ),
    1,
  )
  assert.deepEqual(told, [
    { row: { name: 'exportRegistry2', check: '{"check":true}' } },
    { progress: { done: 1, total: 2, what: 'team/app' } },
  ])
})

test('control socket: a mistake of the operator arrives as one, with its remedy', async () => {
  await using folder = await volumeFolder()
  await using _control = await openControl(folder.path, () => Promise.reject(new OperatorError('no such name', 'look')))
  await assert.rejects(
    askServer(folder.path, 'exportRegistry2', CHECK, listener()),
    (error: Error) => error instanceof OperatorError && error.message === 'no such name' && error.hint === 'look',
  )
})

test('control socket: where nobody listens, nobody is asked; one left by a killed server is replaced', async () => {
  await using folder = await volumeFolder()
  assert.equal(await askServer(folder.path, 'exportRegistry2', CHECK, listener()), undefined)
  writeFileSync(folder.at('homeport/control.sock'), '')
  assert.equal(await askServer(folder.path, 'exportRegistry2', CHECK, listener()), undefined)
  await using _control = await openControl(folder.path, async () => 7)
  assert.equal(await askServer(folder.path, 'exportRegistry2', CHECK, listener()), 7)
})

for (const line of ['no json', '{"operation":"rm","options":{}}', '{"operation":"constructor"}', 'null']) {
  test(`control socket: ${line} is refused, and the next command is served`, async () => {
    await using folder = await volumeFolder()
    await using _control = await openControl(folder.path, async () => 0)
    const socket = connect(folder.at('homeport/control.sock'))
    await once(socket, 'connect')
    socket.write(`${line}\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.ok('failed' in JSON.parse(answer.toString()))
    socket.destroy()
    assert.equal(await askServer(folder.path, 'exportRegistry2', CHECK, listener()), 0)
  })
}

test('control socket: a command that leaves ends what it asked for', async () => {
  await using folder = await volumeFolder()
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const perform: Perform = async (_name, _options, { signal }) => {
    signal.addEventListener('abort', () => ended.resolve())
    begun.resolve()
    await ended.promise
    return 0
  }
  await using _control = await openControl(folder.path, perform)
  const leaving = new AbortController()
  const asked = askServer(folder.path, 'exportRegistry2', CHECK, { tell: () => undefined, signal: leaving.signal })
  await begun.promise
  leaving.abort(new Error('left'))
  await assert.rejects(asked, /left/)
  await ended.promise
})
