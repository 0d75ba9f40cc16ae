import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { MEDIA_TYPES } from '../helpers/images.ts'
import { needs, program } from '../helpers/programs.ts'
import { makeContainersHome } from './containers-home.ts'
import { HOST, helloIndex, PASSWORD, startLab, USER } from './engines/lab.ts'

const BASE = `${HOST}/team/hello:v1`
const BUILT = `${HOST}/team/app:v1`

test('buildah', needs('ip', 'buildah'), async (t) => {
  await using lab = await startLab()
  const { folder } = lab.namespace
  const home = await makeContainersHome(folder.at('containers'))
  const run = async (args: readonly string[], input?: string) => {
    const options = { env: { ...home.env, BUILDAH_ISOLATION: 'chroot' }, ...(input !== undefined && { input }) }
    return (await lab.namespace.run(program('buildah'), args, options)).stdout.trim()
  }
  const buildah = (...args: readonly string[]) => run(args)
  const login = (password: string) => run(['login', '--username', USER, '--password-stdin', HOST], password)
  const build = (format: string) =>
    buildah('bud', `--format=${format}`, '--no-cache', `--tag=${BUILT}`, folder.at('context'))

  await lab.client.pushImage('team/hello', helloIndex('oci'), 'v1')
  await mkdir(folder.at('context'))
  await writeFile(folder.at('context/Containerfile'), `FROM ${BASE}\nRUN ["/hello"]\nCOPY note /\nLABEL by=buildah\n`)
  await writeFile(folder.at('context/note'), 'in a new layer\n')

  await t.test('does not talk to a registry whose authority it does not know', async () => {
    await assert.rejects(build('oci'), /certificate signed by unknown authority/)
  })
  await home.trust(HOST, lab.ca)

  await t.test('is refused without a password, and with a wrong one', async () => {
    await assert.rejects(build('oci'), /unauthorized|authentication required/)
    await assert.rejects(login('wrong'), /invalid username\/password/)
  })

  await t.test('signs in', async () => {
    assert.match(await login(PASSWORD), /Login Succeeded/)
  })

  for (const format of ['oci', 'docker'] as const) {
    await t.test(`builds an image of ${format} types on a base that it pulls, and pushes it`, async () => {
      await build(format)
      await buildah('push', `--digestfile=${folder.at('digest')}`, BUILT)
      assert.equal(await readFile(folder.at('digest'), 'utf8'), await lab.digestAt('team/app', 'v1'))

      const { bytes, mediaType } = await lab.client.pullManifest('team/app', 'v1')
      assert.equal(mediaType, MEDIA_TYPES[format].manifest)
      const { config, layers } = JSON.parse(bytes.toString())
      for (const { digest, size } of [config, ...layers]) {
        assert.deepEqual(await lab.client.pullBlob('team/app', digest), { digest, size })
      }
    })

    await t.test(`pulls the image of ${format} types by digest, with what was built into it`, async () => {
      const digest = await lab.digestAt('team/app', 'v1')
      await buildah('rmi', '--all', '--force')
      const container = await buildah('from', `${HOST}/team/app@${digest}`)
      const place = await buildah('mount', container)
      assert.equal(await readFile(`${place}/note`, 'utf8'), 'in a new layer\n')
      const { FromImageDigest, OCIv1 } = JSON.parse(await buildah('inspect', container))
      assert.deepEqual([FromImageDigest, OCIv1.config.Labels.by], [digest, 'buildah'])
      await buildah('rm', container)
    })
  }
})
