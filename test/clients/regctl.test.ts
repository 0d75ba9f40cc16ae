import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeMultiPlatform } from '../helpers/images.ts'
import { readLayout, withDescendants, writeLayout } from '../helpers/oci-layout.ts'
import { needs } from '../helpers/programs.ts'
import { openBench, PASSWORD, USER } from './bench.ts'

const NOTE = 'application/vnd.example.note'
const OTHER = 'application/vnd.example.other'

test('regctl', needs('regctl'), async (t) => {
  await using bench = await openBench()
  const { host, folder } = bench
  const regctl = async (...args: readonly string[]) => (await bench.run('regctl', args)).stdout.trim()
  const image = makeMultiPlatform('copied by regctl')
  const subject = image.manifest.digest
  await writeLayout(folder.at('image'), { v1: image })

  await t.test('is refused with a wrong password', async () => {
    const login = bench.run('regctl', ['registry', 'login', host, '-u', USER, '--pass-stdin'], { input: 'wrong' })
    await assert.rejects(login, /unauthorized/)
  })

  await bench.run('regctl', ['registry', 'login', host, '-u', USER, '--pass-stdin'], { input: PASSWORD })

  await t.test('copies an image from a folder to the registry', async () => {
    await regctl('image', 'copy', 'ocidir://image:v1', `${host}/team/app:v1`)
    assert.equal(await regctl('image', 'digest', `${host}/team/app:v1`), subject)
    await bench.assertStored('team/app', 'v1', image)
  })

  let note = ''
  let other = ''
  await t.test('attaches artifacts, and lists them as referrers', async () => {
    const put = async (type: string, input: string) => {
      const args = [
        'artifact',
        'put',
        '--artifact-type',
        type,
        '--subject',
        `${host}/team/app:v1`,
        '--format',
        '{{.Manifest.GetDescriptor.Digest}}',
      ]
      return (await bench.run('regctl', args, { input })).stdout.trim()
    }
    note = await put(NOTE, 'a note')
    other = await put(OTHER, 'another thing')
    assert.deepEqual(await bench.referrersOf('team/app', subject), [note, other].sort())

    const list = (...args: string[]) =>
      regctl(
        'artifact',
        'list',
        `${host}/team/app:v1`,
        ...args,
        '--format',
        '{{range .Descriptors}}{{println .Digest}}{{end}}',
      )
    assert.deepEqual((await list()).split('\n').sort(), [note, other].sort())
    assert.equal(await list('--filter-artifact-type', NOTE), note)
    assert.deepEqual(await bench.referrersOf('team/app', subject, NOTE), [note])
  })

  await t.test('needs no fallback tag', async () => {
    assert.deepEqual(await bench.tagsOf('team/app'), ['v1'])
  })

  await t.test('copies an image with its referrers to another repository', async () => {
    await regctl('image', 'copy', '--referrers', `${host}/team/app:v1`, `${host}/other/app:v2`)
    await bench.assertStored('other/app', 'v2', image)
    assert.deepEqual(await bench.referrersOf('other/app', subject), [note, other].sort())
    assert.equal(await bench.digestAt('other/app', note), note)
  })

  await t.test('copies them back into a folder', async () => {
    await regctl('image', 'copy', '--referrers', `${host}/other/app:v2`, 'ocidir://back:v2')
    const { tags, blobs } = await readLayout(folder.at('back'))
    assert.equal(tags.get('v2'), subject)
    const digests = withDescendants(image).flatMap(({ manifest, blobs }) => [manifest.digest, ...blobs.keys()])
    const missing = new Set<string>([...digests, note, other]).difference(new Set<string>(blobs))
    assert.deepEqual([...missing], [])
  })

  await t.test('lists repositories and tags, and deletes a tag', async () => {
    assert.equal(await regctl('repo', 'ls', host), 'other/app\nteam/app')
    await regctl('tag', 'delete', `${host}/other/app:v2`)
    assert.equal(await regctl('tag', 'ls', `${host}/other/app`), '')
    assert.equal(await bench.digestAt('other/app', subject), subject)
  })
})
