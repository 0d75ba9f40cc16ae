import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { diskFaults } from '../helpers/disk-faults.ts'
import { makeImage } from '../helpers/images.ts'
import { DISK_PROGRAMS, mountDisk } from '../helpers/mounted-disk.ts'
import { needs } from '../helpers/programs.ts'
import type { RawSocket } from '../helpers/raw-socket.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { layerOf, startCache } from './cache-scene.ts'

const MEBIBYTE = 1024 * 1024

function sceneOf(seed: string, mebibytes: number) {
  const image = makeImage(seed, { layers: [[{ path: 'big.bin', bytes: seededBytes(seed, mebibytes * MEBIBYTE) }]] })
  const layer = layerOf(image)
  const bytes = image.blobs.get(layer)
  assert.ok(bytes)
  return { layer, bytes, upstream: { images: { 'library/a:1': image } } }
}

const pathOf = (digest: string) => {
  const hex = digest.slice(digest.indexOf(':') + 1)
  return join('docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
}

test(
  'on a full disk a cold blob is passed through whole, nothing of it is kept, and later it is (D-3)',
  needs(...DISK_PROGRAMS),
  async () => {
    await using disk = await mountDisk('tmpfs', 48)
    const { layer, bytes, upstream } = sceneOf('a full disk', 24)
    await using cache = await startCache({ upstream, data: disk.data, launcher: disk.launcher })
    assert.equal((await cache.manifest('1')).status, 200)
    await writeFile(disk.at('filler'), Buffer.alloc(32 * MEBIBYTE))
    const answers = await Promise.all([cache.blob(layer), cache.blob(layer)])
    for (const { status, bytes: got } of answers) {
      assert.equal(status, 200)
      assert.ok(got.equals(bytes))
    }
    await until(() => readdirSync(disk.at('data/homeport/fills')).length === 0)
    assert.equal(existsSync(disk.at('data', pathOf(layer))), false)
    assert.ok(cache.server.log.some(({ msg }) => msg?.includes('cannot be stored') === true))

    await rm(disk.at('filler'))
    assert.ok((await cache.blob(layer)).bytes.equals(bytes))
    await until(() => existsSync(disk.at('data', pathOf(layer))))
  },
)

test('a disk that syncs slowly holds up no client', needs('gcc'), async () => {
  await using disk = await diskFaults()
  const { layer, bytes, upstream } = sceneOf('a slow disk', 8)
  await using cache = await startCache({ upstream, data: disk.data, env: disk.env })
  assert.equal((await cache.manifest('1')).status, 200)
  disk.set({ calls: ['fsync', 'fdatasync'], path: 'fills', delay: 4_000 })
  assert.ok((await cache.blob(layer)).bytes.equals(bytes))
  assert.equal(existsSync(join(disk.data, pathOf(layer))), false, 'the client waited for the disk')
  disk.set()
  await until(() => existsSync(join(disk.data, pathOf(layer))))
})

test('fifty clients that read nothing of a cold blob cost no more than their buffers, and it is stored (FC-108)', async (context) => {
  const { layer, upstream } = sceneOf('fifty who do not read', 96)
  await using cache = await startCache({ upstream })
  assert.equal((await cache.manifest('1')).status, 200)
  await cache.server.resetMemoryPeak()
  const before = await cache.server.memoryPeak()
  const sockets: RawSocket[] = []
  for (let index = 0; index < 50; index += 1) {
    const socket = await cache.server.connect()
    sockets.push(socket)
    await socket.request(`GET ${cache.pathOf(layer)}`)
    socket.pause()
  }
  await until(() => existsSync(join(cache.server.data, pathOf(layer))))
  const rise = (await cache.server.memoryPeak()) - before
  context.diagnostic(`${Math.round(rise / MEBIBYTE)} MiB over ${Math.round(before / MEBIBYTE)} MiB`)
  assert.ok(rise <= 100 * MEBIBYTE, `memory rose by ${Math.round(rise / MEBIBYTE)} MiB`)
  assert.equal(cache.upstream.count('GET blob'), 1)
  for (const socket of sockets) socket.reset()
})

async function until(so: () => boolean): Promise<void> {
  while (!so()) await sleep(20)
}
