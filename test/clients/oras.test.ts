import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import { needs } from '../helpers/programs.ts'
import { openBench, PASSWORD, USER } from './bench.ts'

const REPORT = 'application/vnd.example.report'
const SBOM = 'application/vnd.example.sbom'
const TEXT = 'some text\n'
const PACKAGES = '{"packages":[]}'

test('oras', needs('oras'), async (t) => {
  await using bench = await openBench()
  const { folder, ca } = bench
  // To oras `localhost` means no TLS.
  const host = bench.host.replace('localhost', '127.0.0.1')
  const trust = ['--ca-file', ca]
  const oras = async (command: string, ...args: readonly string[]): Promise<Descriptor> => {
    const { stdout } = await bench.runDistrusting('oras', [
      ...command.split(' '),
      ...trust,
      '--format',
      'json',
      ...args,
    ])
    return JSON.parse(stdout)
  }
  const login = (password: string, ...options: readonly string[]) =>
    bench.runDistrusting('oras', ['login', host, '-u', USER, '--password-stdin', ...options], { input: password })
  await writeFile(folder.at('text.txt'), TEXT)
  await writeFile(folder.at('packages.json'), PACKAGES)

  await t.test('does not talk to a registry whose authority it does not know', async () => {
    await assert.rejects(login(PASSWORD), /certificate signed by unknown authority/)
  })

  await t.test('is refused with a wrong password', async () => {
    await assert.rejects(login('wrong', ...trust), /unauthorized/i)
  })

  await login(PASSWORD, ...trust)

  let pushed = ''
  await t.test('pushes a file as an artifact', async () => {
    const { digest } = await oras('push', `${host}/files/report:v1`, '--artifact-type', REPORT, 'text.txt:text/plain')
    pushed = digest
    assert.equal(await bench.digestAt('files/report', 'v1'), pushed)
    const content = digestOf(TEXT)
    assert.deepEqual(await bench.registry.pullBlob('files/report', content), { digest: content, size: TEXT.length })
  })

  let attached = ''
  await t.test('attaches a second one to it, without a fallback tag', async () => {
    const { digest } = await oras(
      'attach',
      `${host}/files/report:v1`,
      '--artifact-type',
      SBOM,
      'packages.json:application/json',
    )
    attached = digest
    assert.deepEqual(await bench.referrersOf('files/report', pushed), [attached])
    assert.deepEqual(await bench.tagsOf('files/report'), ['v1'])
  })

  await t.test('discovers what is attached, and what is of another type', async () => {
    const digests = async (...args: string[]) => {
      const { referrers } = await oras('discover', ...args, `${host}/files/report:v1`)
      return referrers.map(({ digest }) => digest)
    }
    assert.deepEqual(await digests(), [attached])
    assert.deepEqual(await digests('--artifact-type', SBOM), [attached])
    assert.deepEqual(await digests('--artifact-type', REPORT), [])
  })

  await t.test('pulls both', async () => {
    await oras('pull', `${host}/files/report:v1`, '-o', 'pulled')
    await oras('pull', `${host}/files/report@${attached}`, '-o', 'pulled')
    assert.equal(await readFile(folder.at('pulled/text.txt'), 'utf8'), TEXT)
    assert.equal(await readFile(folder.at('pulled/packages.json'), 'utf8'), PACKAGES)
  })

  await t.test('copies an artifact with what is attached to another repository', async () => {
    const copy = [
      'cp',
      '-r',
      '--from-ca-file',
      ca,
      '--to-ca-file',
      ca,
      `${host}/files/report:v1`,
      `${host}/copies/report:v2`,
    ]
    await bench.runDistrusting('oras', copy)
    assert.equal(await bench.digestAt('copies/report', 'v2'), pushed)
    assert.deepEqual(await bench.referrersOf('copies/report', pushed), [attached])
    assert.equal(await bench.digestAt('copies/report', attached), attached)
  })

  await t.test('deletes a manifest', async () => {
    await bench.runDistrusting('oras', ['manifest', 'delete', '-f', ...trust, `${host}/copies/report@${attached}`])
    assert.deepEqual(await bench.referrersOf('copies/report', pushed), [])
    assert.equal(await bench.statusOf(`copies/report/manifests/${attached}`), 404)
  })
})

interface Descriptor {
  readonly digest: string
  readonly referrers: readonly Descriptor[]
}
