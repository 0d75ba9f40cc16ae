import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import { needs } from '../helpers/programs.ts'
import { openBench, PASSWORD, USER } from './bench.ts'

const CHART = `apiVersion: v2
name: hello
version: 1.2.3+build
description: A chart for tests
`
const TEMPLATE = `apiVersion: v1
kind: ConfigMap
metadata:
  name: hello
`

test('helm', needs('helm'), async (t) => {
  await using bench = await openBench()
  const { host, folder, ca } = bench
  const helm = (...args: readonly string[]) => bench.runDistrusting('helm', args)
  const login = (password: string, ...options: readonly string[]) =>
    bench.runDistrusting('helm', ['registry', 'login', host, '-u', USER, '--password-stdin', ...options], {
      input: password,
    })
  await mkdir(folder.at('hello/templates'), { recursive: true })
  await writeFile(folder.at('hello/Chart.yaml'), CHART)
  await writeFile(folder.at('hello/templates/map.yaml'), TEMPLATE)
  await helm('package', 'hello')
  const archive = await readFile(folder.at('hello-1.2.3+build.tgz'))

  await t.test('does not sign in to a registry whose authority it does not know', async () => {
    await assert.rejects(login(PASSWORD), /certificate signed by unknown authority/)
  })

  await t.test('is refused with a wrong password', async () => {
    await assert.rejects(login('wrong', '--ca-file', ca), /401/)
  })

  await t.test('signs in', async () => {
    const { stdout, stderr } = await login(PASSWORD, '--ca-file', ca)
    assert.match(stdout + stderr, /Login Succeeded/)
  })

  let pushed = ''
  await t.test('pushes a chart', async () => {
    const { stdout, stderr } = await helm('push', 'hello-1.2.3+build.tgz', `oci://${host}/charts`, '--ca-file', ca)
    pushed = digestIn(stdout + stderr)
    // No tag has a plus: helm writes an underscore.
    assert.equal(await bench.digestAt('charts/hello', '1.2.3_build'), pushed)
    const content = digestOf(archive)
    assert.deepEqual(await bench.registry.pullBlob('charts/hello', content), { digest: content, size: archive.length })
  })

  await t.test('pulls it by version, and finds the newest by itself', async () => {
    for (const [to, ...version] of [['by-version', '--version', '1.2.3+build'], ['newest']] as const) {
      await mkdir(folder.at(to))
      const { stdout, stderr } = await helm('pull', `oci://${host}/charts/hello`, ...version, '-d', to, '--ca-file', ca)
      assert.equal(digestIn(stdout + stderr), pushed)
      assert.deepEqual(await readFile(folder.at(to, 'hello-1.2.3+build.tgz')), archive)
    }
  })

  await t.test('renders it from the registry', async () => {
    const { stdout } = await helm('template', `oci://${host}/charts/hello`, '--version', '1.2.3+build', '--ca-file', ca)
    assert.match(stdout, /kind: ConfigMap/)
  })
})

function digestIn(output: string): string {
  const [, digest] = /^Digest: (sha256:[0-9a-f]{64})$/m.exec(output) ?? []
  assert.ok(digest, output)
  return digest
}
