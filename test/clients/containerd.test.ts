import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeMultiPlatform } from '../helpers/images.ts'
import { NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { writeLayout } from '../helpers/oci-layout.ts'
import { run } from '../helpers/processes.ts'
import { needs, program } from '../helpers/programs.ts'
import { startContainerd, writeHostsToml } from './engines/containerd.ts'
import { Ctr, signIn } from './engines/ctr.ts'
import { HOST, helloIndex, startLab, USER } from './engines/lab.ts'

for (const version of ['1.6', '2.4'] as const) {
  test(
    `containerd ${version}`,
    needs(...NAMESPACE_PROGRAMS, 'tar', `containerd-${version}`, `ctr-${version}`),
    async (t) => {
      await using lab = await startLab()
      const { namespace, client } = lab
      const containerd = await startContainerd(namespace, { containerd: program(`containerd-${version}`) })
      const ctr = new Ctr(namespace, program(`ctr-${version}`), containerd)
      const pulled = `${HOST}/team/hello:v1`
      await client.pushImage('team/hello', helloIndex('oci'), 'v1')

      await t.test('does not talk to a registry whose authority it does not know', async () => {
        await assert.rejects(ctr.pull(pulled), /certificate signed by unknown authority/)
      })
      await writeHostsToml(namespace, lab.ca)

      await t.test('is refused without a password', async () => {
        await assert.rejects(ctr.pull(pulled, []), /401 Unauthorized|authorization failed/)
      })

      await t.test('is refused with a wrong password', async () => {
        await assert.rejects(ctr.pull(pulled, signIn(USER, 'wrong')), /401 Unauthorized/)
      })

      await t.test('pulls all platforms by tag', async () => {
        await ctr.pull(pulled)
        assert.equal(await ctr.digestOf(pulled), await lab.digestAt('team/hello', 'v1'))
      })

      await t.test('pushes what it pulled to another repository', async () => {
        const copy = `${HOST}/team/copy:v1`
        await ctr.images('tag', pulled, copy)
        await ctr.push(copy)
        assert.equal(await ctr.digestOf(copy), await lab.digestAt('team/copy', 'v1'))
      })

      await t.test('pushes what came from an archive, and pulls it by digest', async () => {
        const { folder } = namespace
        const image = makeMultiPlatform('from an archive', 'docker')
        await writeLayout(folder.at('layout'), { v2: image })
        await run(program('tar'), ['--create', '--file', folder.at('archive'), '--directory', folder.at('layout'), '.'])
        const imported = `${HOST}/team/new:v2`
        await ctr.images('import', '--all-platforms', '--base-name', `${HOST}/team/new`, folder.at('archive'))
        await ctr.push(imported)
        const digest = await lab.digestAt('team/new', 'v2')
        assert.deepEqual([await ctr.digestOf(imported), digest], [image.manifest.digest, digest])

        const byDigest = `${HOST}/team/new@${digest}`
        await ctr.images('remove', '--sync', imported)
        await ctr.pull(byDigest)
        assert.equal(await ctr.digestOf(byDigest), digest)
      })
    },
  )
}
