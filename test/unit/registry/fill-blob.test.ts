import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FillSlots } from '../../../src/registry/fill-slots.ts'
import { UpstreamFailure } from '../../../src/upstream/upstream.ts'
import { failureOf } from '../../helpers/memory-upstream.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'
import { SteeredClock } from '../../helpers/steered-clock.ts'
import { openTestFills, readAll, until } from '../../helpers/test-fills.ts'

const MEBIBYTE = 1024 * 1024
const BYTES = seededBytes('fill-blob', 5 * MEBIBYTE + 12_345)
const FULL = Object.assign(new Error('no room'), { code: 'ENOSPC' })

/** A gate before the chunk that begins at a byte, or behind it. */
function gateAt(place: number) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  return {
    open: resolve,
    reached: reached.promise,
    before: async (at: number) => {
      if (at < place) return
      reached.resolve()
      await promise
    },
  }
}

test('twenty readers at once cost one question, and each gets every byte (S5, FC-15)', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const got = await Promise.all(Array.from({ length: 20 }, () => readAll(fills.join(digest).read(0))))
  for (const bytes of got) assert.ok(bytes.equals(BYTES))
  assert.deepEqual(fills.upstream.asked, [`blob library/alpine@${digest}`])
  assert.equal(fills.told.coalesced, 19)
})

test('bytes are there before the whole is, all but the last 64 KiB; those wait for the hash (FC-14)', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const gate = gateAt(BYTES.length - 100)
  fills.upstream.blobScript = () => ({ before: gate.before, chunk: 100 })
  const small = seededBytes('small', 200_000)
  const other = fills.publish(small)
  const gate2 = gateAt(199_900)
  fills.upstream.blobScript = () => ({ before: gate2.before, chunk: 100 })
  const fill = fills.join(other, { size: small.length })
  const reader = fill.read(0)
  const got = await readAll(fill.read(0), { to: small.length - 64 * 1024 })
  assert.equal(got.length, small.length - 64 * 1024)
  const held = reader.read(Buffer.alloc(10), small.length - 64 * 1024)
  await gate2.reached
  assert.equal(await Promise.race([held, Promise.resolve('held back')]), 'held back')
  gate2.open()
  gate.open()
  assert.equal(await held, 10)
  await reader.close()
  assert.notEqual(digest, other)
})

test('a reader of a part in the middle waits for no hash, but one that reaches the end does', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const gate = gateAt(BYTES.length - 65_536)
  fills.upstream.blobScript = () => ({ before: gate.before })
  const fill = fills.join(digest, { size: BYTES.length })
  await gate.reached
  await until(() => fill.head >= BYTES.length - 70_000 - 65_536)
  const at = fill.head - 100
  const inner = fill.read(at, at + 50)
  assert.equal(await inner.read(Buffer.alloc(50), at), 50)
  await inner.close()
  const toEnd = fill.read(at)
  const reading = toEnd.read(Buffer.alloc(50), at)
  assert.equal(
    await Promise.race([reading, new Promise((done) => setTimeout(done, 20, 'waits'))]),
    at < BYTES.length - 65_536 ? 50 : 'waits',
  )
  gate.open()
  await reading
  await toEnd.close()
})

for (const untold of [false, true]) {
  test(`wrong bytes never come whole, and are not kept, ${untold ? 'without' : 'with'} a size that was told (S2, D-9)`, async () => {
    await using fills = await openTestFills()
    const digest = fills.publish(BYTES)
    const wrong = Buffer.from(BYTES)
    wrong[1000] = (wrong[1000] ?? 0) ^ 1
    fills.upstream.blobScript = () => ({ bytes: wrong, untold })
    const fill = fills.join(digest)
    const reader = fill.read(0)
    let received = 0
    await assert.rejects(
      async () => {
        for (;;) {
          const length = await reader.read(Buffer.alloc(MEBIBYTE), received)
          assert.ok(length > 0)
          received += length
        }
      },
      (error) => error instanceof UpstreamFailure && error.failure.facts.wrong === 'digest',
    )
    await reader.close()
    await fill.closed
    assert.ok(received <= BYTES.length - 64 * 1024, `${received} bytes`)
    assert.equal(await fills.blobs.stat(digest), undefined)
    assert.deepEqual(await fills.writes(), [])
    assert.deepEqual(await fills.catalog.fills({ limit: 9 }), [])
    assert.equal(fills.upstream.asked.length, 1)
  })
}

for (const [what, size] of [
  ['shorter', BYTES.length - 1],
  ['longer', BYTES.length + 1],
] as const) {
  test(`a length ${what} than the manifest has it is refused at the headers (D-10)`, async () => {
    await using fills = await openTestFills()
    const digest = fills.publish(BYTES)
    const fill = fills.join(digest, { size: BYTES.length })
    await fill.source.begun
    await fill.done
    const other = fills.join(digest, { size })
    await assert.rejects(other.source.begun, { name: 'UpstreamFailure' })
    await other.closed
  })
}

test('a body that is longer than it said is broken', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  fills.upstream.blobScript = () => ({ untold: true })
  const fill = fills.join(digest, { size: BYTES.length - 10 })
  await assert.rejects(readAll(fill.read(0)), { name: 'UpstreamFailure' })
  await fill.closed
  assert.equal(await fills.blobs.stat(digest), undefined)
})

test('a body that ends early without a length is taken up again, where a manifest has it (FC-03, N-3)', async () => {
  await using fills = await openTestFills({ patience: { retry: 1 } })
  const digest = fills.publish(BYTES)
  let first = true
  fills.upstream.blobScript = () => {
    const bytes = first ? BYTES.subarray(0, 400_000) : BYTES
    first = false
    return { untold: true, bytes }
  }
  const fill = fills.join(digest, { size: BYTES.length })
  assert.ok((await readAll(fill.read(0))).equals(BYTES))
  assert.equal(fill.source.resumes, 1)
})

test('a download that is cut again and again goes on from where it was, and its reader notices nothing (S1, D-8)', async () => {
  await using fills = await openTestFills({ patience: { retry: 1 } })
  const digest = fills.publish(BYTES)
  let sent = 0
  fills.upstream.blobScript = () => {
    let chunks = 0
    return {
      before: () => {
        chunks += 1
        if (chunks > 8) throw failureOf('connection-refused', { hop: 'blob' })
        sent += 64 * 1024
      },
    }
  }
  const fill = fills.join(digest, { size: BYTES.length })
  assert.ok((await readAll(fill.read(0))).equals(BYTES))
  assert.equal(fill.source.resumes, 10)
  assert.ok(sent <= BYTES.length * 1.05, `${sent} bytes were sent`)
})

test('an upstream that sends the whole again is passed by what is there', async () => {
  await using fills = await openTestFills({ patience: { retry: 1 } })
  const digest = fills.publish(BYTES)
  let cut = false
  fills.upstream.blobScript = () => ({
    fromStart: true,
    before: (at) => {
      if (cut || at < 2 * MEBIBYTE) return
      cut = true
      throw failureOf('connection-refused', { hop: 'blob' })
    },
  })
  const fill = fills.join(digest)
  assert.ok((await readAll(fill.read(0))).equals(BYTES))
  await fill.done
  assert.equal((await fills.blobs.stat(digest))?.size, BYTES.length)
})

test('a reader that leaves disturbs nobody, and without one it goes on (S5, FC-14)', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const gate = gateAt(2 * MEBIBYTE)
  fills.upstream.blobScript = () => ({ before: gate.before })
  const fill = fills.join(digest)
  const [leaves, stays] = [fill.read(0), fill.read(0)]
  assert.ok((await leaves.read(Buffer.alloc(1000), 0)) > 0)
  const waiting = leaves.read(Buffer.alloc(1000), 3 * MEBIBYTE)
  await leaves.close()
  await assert.rejects(waiting, /closed/)
  await stays.close()
  gate.open()
  await fill.done
  assert.equal((await fills.blobs.stat(digest))?.size, BYTES.length)
  assert.equal(await fills.catalog.blobSize('docker.io/library/alpine', digest), BYTES.length)
  assert.equal((await fills.catalog.repository('docker.io/library/alpine'))?.kind, 'cached')
})

test('a reader that reads nothing slows nobody (FC-15)', async () => {
  await using fills = await openTestFills()
  const bytes = seededBytes('slow', 24 * MEBIBYTE)
  const digest = fills.publish(bytes)
  const fill = fills.join(digest)
  const slow = fill.read(0)
  assert.ok((await readAll(fill.read(0))).equals(bytes))
  await fill.done
  assert.ok((await readAll(slow)).equals(bytes))
})

for (const untold of [false, true]) {
  for (const [what, size] of [
    ['small', BYTES.length - 100_000],
    ['large', BYTES.length + 100_000],
  ] as const) {
    test(`a manifest with too ${what} a size disturbs nobody else, where the size is ${untold ? 'not ' : ''}told (D-10)`, async () => {
      await using fills = await openTestFills({ patience: { retry: 1 } })
      const digest = fills.publish(BYTES)
      fills.publish(BYTES, 'evil/x')
      const gate = Promise.withResolvers<void>()
      fills.upstream.blobScript = () => ({ untold, before: () => gate.promise })
      const wrong = fills.join(digest, { size, repository: 'docker.io/evil/x' })
      const right = fills.join(digest, { size: BYTES.length })
      const unsure = fills.join(digest)
      // Who joins has a reader before anything may end.
      const readers = [right.read(0), unsure.read(0)]
      const broken = wrong.read(0)
      gate.resolve()
      // One that waits for what never comes has it when he hangs up.
      const reading = readAll(broken).then(
        () => assert.fail('it came whole'),
        () => undefined,
      )
      for (const reader of readers) assert.ok((await readAll(reader)).equals(BYTES))
      if (untold && what === 'large') await wrong.putDown()
      await reading
      await Promise.all([right.done, unsure.done])
      assert.equal((await fills.blobs.stat(digest))?.size, BYTES.length)
      assert.deepEqual(await fills.catalog.repositoriesOfBlob(digest), ['docker.io/library/alpine'])
    })
  }
}

test('a manifest with a wrong size takes nothing of a download that was put down (D-10)', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  fills.publish(BYTES, 'evil/x')
  const gate = gateAt(3 * MEBIBYTE)
  const begins: number[] = []
  fills.upstream.blobScript = () => ({
    before: async (at) => {
      begins.push(at)
      await gate.before(at)
    },
  })
  fills.join(digest, { size: BYTES.length })
  await gate.reached
  await fills.restart()
  gate.open()
  for (const size of [1, MEBIBYTE, BYTES.length + 1]) {
    const wrong = fills.join(digest, { size, repository: 'docker.io/evil/x' })
    await assert.rejects(wrong.source.begun, { name: 'UpstreamFailure' })
    await wrong.closed
  }
  begins.length = 0
  assert.ok((await readAll(fills.join(digest, { size: BYTES.length }).read(0))).equals(BYTES))
  assert.equal(begins[0], 3 * MEBIBYTE)
})

test('who has no size from a manifest shares a download whose size the upstream has told, and the other way round (S5)', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const gate = gateAt(MEBIBYTE)
  fills.upstream.blobScript = () => ({ before: gate.before })
  for (const [first, second] of [
    [BYTES.length, undefined],
    [undefined, BYTES.length],
  ]) {
    const one = fills.join(digest, first === undefined ? {} : { size: first })
    await one.source.begun
    assert.equal(fills.join(digest, second === undefined ? {} : { size: second }), one)
    // Of the machine: the next one begins anew.
    await fills.restart(`with ${first}`)
  }
  gate.open()
})

test('a download is put down at once also where the server ends just as its headers come (D-21)', async () => {
  await using fills = await openTestFills({ patience: { stalled: Infinity, silent: Infinity } })
  const gate = gateAt(MEBIBYTE)
  fills.upstream.blobScript = () => ({ before: gate.before })
  const one = fills.join(fills.publish(BYTES))
  await one.source.begun
  await fills.restart()
  gate.open()
})

test('two repositories of an upstream share a download, and both have the blob then', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const one = fills.join(digest)
  const two = fills.join(digest, { repository: 'docker.io/library/other' })
  assert.equal(one, two)
  await one.done
  assert.deepEqual(await fills.catalog.repositoriesOfBlob(digest), [
    'docker.io/library/alpine',
    'docker.io/library/other',
  ])
})

for (const [boot, kept] of [
  ['one', true],
  ['two', false],
] as const) {
  test(`after a restart ${kept ? 'the rest is fetched' : 'of the machine only what was synced counts'} (S14)`, async () => {
    await using fills = await openTestFills()
    const digest = fills.publish(BYTES)
    const gate = gateAt(3 * MEBIBYTE)
    const begins: number[] = []
    fills.upstream.blobScript = () => ({
      before: async (at) => {
        begins.push(at)
        await gate.before(at)
      },
    })
    const reader = fills.join(digest).read(0)
    const reading = readAll(reader)
    await gate.reached
    await Promise.all([fills.restart(boot), assert.rejects(reading)])
    gate.open()
    begins.length = 0
    assert.ok((await readAll(fills.join(digest).read(0))).equals(BYTES))
    assert.equal(begins[0], kept ? 3 * MEBIBYTE : 0)
  })
}

test('after a restart of the machine a download is cut back to its last synced mark (S14)', async () => {
  await using fills = await openTestFills()
  const bytes = seededBytes('marks', 70 * MEBIBYTE)
  const digest = fills.publish(bytes)
  const gate = gateAt(68 * MEBIBYTE)
  const begins: number[] = []
  const synced = Promise.withResolvers<void>()
  fills.disk.sync = async () => synced.resolve()
  fills.upstream.blobScript = () => ({
    chunk: MEBIBYTE,
    before: async (at) => {
      begins.push(at)
      await gate.before(at)
    },
  })
  const fill = fills.join(digest)
  await Promise.all([gate.reached, synced.promise])
  await until(() => fill.head === 68 * MEBIBYTE)
  await fills.restart('two')
  gate.open()
  begins.length = 0
  assert.ok((await readAll(fills.join(digest).read(0))).equals(bytes))
  const [first = 0] = begins
  assert.ok(first >= 64 * MEBIBYTE && first < 68 * MEBIBYTE, `it began at byte ${first}`)
})

test('a wrong hash behind a prefix that was picked up begins anew once, before the upstream is blamed (D-9)', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const gate = gateAt(3 * MEBIBYTE)
  const wrong = Buffer.from(BYTES)
  wrong[5] = (wrong[5] ?? 0) ^ 1
  fills.upstream.blobScript = () => ({ bytes: wrong, before: gate.before })
  fills.join(digest)
  await gate.reached
  await fills.restart()
  gate.open()
  fills.upstream.blobScript = () => ({})
  fills.upstream.asked.length = 0
  const fill = fills.join(digest)
  await fill.done
  assert.equal((await fills.blobs.stat(digest))?.size, BYTES.length)
  assert.equal(fills.upstream.asked.length, 2)
  assert.equal(fills.told.failedBehind, 0)
})

test('a prefix that is longer than the blob, or all of it, needs no question that has no answer', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const gate = gateAt(BYTES.length)
  fills.upstream.blobScript = () => ({
    untold: true,
    bytes: Buffer.concat([BYTES, Buffer.alloc(10)]),
    chunk: BYTES.length,
    before: gate.before,
  })
  const first = fills.join(digest, { size: BYTES.length })
  await until(() => first.head === BYTES.length)
  await fills.restart()
  gate.open()
  fills.upstream.asked.length = 0
  const fill = fills.join(digest, { size: BYTES.length })
  assert.ok((await readAll(fill.read(0))).equals(BYTES))
  assert.deepEqual(fills.upstream.asked, [])
})

for (const [what, fail] of [
  ['the file cannot be begun', 0],
  ['the disk is full in the middle', 2],
] as const) {
  test(`where ${what}, whoever reads gets every byte, and nothing is kept (D-3)`, async () => {
    await using fills = await openTestFills()
    const bytes = seededBytes('full', 24 * MEBIBYTE)
    const digest = fills.publish(bytes)
    let appends = 0
    fills.disk.append = () => {
      appends += 1
      if (appends > fail) throw FULL
    }
    const fill = fills.join(digest)
    const got = await Promise.all([readAll(fill.read(0)), readAll(fill.read(0), { most: 10_000 })])
    for (const one of got) assert.ok(one.equals(bytes))
    await fill.closed
    assert.equal(await fills.blobs.stat(digest), undefined)
    assert.deepEqual(await fills.writes(), [])
    assert.equal(fills.reports.length, 1)
    fills.disk.append = () => {}
    await fills.join(digest).done
    assert.equal((await fills.blobs.stat(digest))?.size, bytes.length)
  })
}

test('without a file, a reader that holds up others gets a download of his own (D-3)', async () => {
  await using fills = await openTestFills({ patience: { held: 20, stalled: 1_000 } })
  const bytes = seededBytes('held', 24 * MEBIBYTE)
  const digest = fills.publish(bytes)
  fills.disk.append = () => {
    throw FULL
  }
  const fill = fills.join(digest)
  const slow = fill.read(0)
  assert.equal(await slow.read(Buffer.alloc(1000), 0), 1000)
  assert.ok((await readAll(fill.read(0))).equals(bytes))
  assert.ok((await readAll(slow)).equals(bytes))
  assert.equal(fills.upstream.asked.length, 2)
})

test('a commit that fails costs its readers nothing, and is told (D-3)', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  fills.disk.publish = () => Promise.reject(FULL)
  const fill = fills.join(digest)
  const reader = fill.read(0)
  assert.ok((await readAll(fill.read(0))).equals(BYTES))
  await fill.done
  assert.ok((await readAll(reader)).equals(BYTES))
  assert.equal(fills.reports.length, 1)
  await fill.closed
  assert.deepEqual(await fills.writes(), [])
})

test('the last bytes wait for the hash, and not for a slow disk', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const disk = Promise.withResolvers<void>()
  fills.disk.publish = () => disk.promise
  const fill = fills.join(digest)
  assert.ok((await readAll(fill.read(0))).equals(BYTES))
  assert.equal(await fills.blobs.stat(digest), undefined)
  assert.ok((await readAll(fills.join(digest).read(0))).equals(BYTES))
  disk.resolve()
  await fill.done
  assert.equal((await fills.blobs.stat(digest))?.size, BYTES.length)
})

test('a stalled connection is left for another, and readers are told after 60 s without a byte (D-12)', async () => {
  const clock = new SteeredClock()
  await using fills = await openTestFills({ clock })
  const digest = fills.publish(BYTES)
  fills.upstream.blobScript = () => ({ before: (at) => (at >= MEBIBYTE ? new Promise(() => undefined) : undefined) })
  const fill = fills.join(digest, { size: BYTES.length })
  const reading = assert.rejects(readAll(fill.read(0)), { name: 'UpstreamFailure' })
  await until(() => fill.head === MEBIBYTE)
  await clock.advance(25_000)
  assert.equal(fills.upstream.asked.length, 2)
  await clock.advance(40_000)
  await reading
  await fill.closed
  // What came is kept for the next one.
  assert.deepEqual(
    (await fills.writes()).map(({ size }) => size),
    [MEBIBYTE],
  )
})

test('what nobody reads is put down after ten minutes, and taken up again (FC-14)', async () => {
  const clock = new SteeredClock()
  await using fills = await openTestFills({ clock })
  const digest = fills.publish(BYTES)
  let beat = Promise.withResolvers<void>()
  fills.upstream.blobScript = () => ({ chunk: 1000, before: (at) => (at >= MEBIBYTE ? beat.promise : undefined) })
  const fill = fills.join(digest, { size: BYTES.length })
  await fill.read(0).close()
  await until(() => fill.head > MEBIBYTE - 1001)
  for (let minute = 0; minute < 20; minute += 1) {
    const { resolve } = beat
    beat = Promise.withResolvers()
    resolve()
    await clock.advance(30_000)
  }
  await clock.advance(30_000)
  await fill.closed
  assert.equal(fill.open, false)
  fills.upstream.blobScript = () => ({})
  assert.ok((await readAll(fills.join(digest).read(0))).equals(BYTES))
})

test('a failure before the headers is told to who waits for them, and the next one asks anew', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  fills.upstream.failWith('denied', { status: 403 })
  const fill = fills.join(digest)
  await assert.rejects(fill.source.begun, { name: 'UpstreamFailure' })
  await fill.closed
  fills.upstream.failWith(undefined)
  assert.ok((await readAll(fills.join(digest).read(0))).equals(BYTES))
})

test('no more run at once than may, and the others wait for their turn (D-23)', async () => {
  await using fills = await openTestFills({ slots: new FillSlots(2, 2) })
  const gate = gateAt(0)
  fills.upstream.blobScript = () => ({ before: gate.before })
  const blobs = ['a', 'b', 'c', 'd'].map((name) => seededBytes(name, 200_000))
  const all = blobs.map((bytes) => fills.join(fills.publish(bytes)))
  await gate.reached
  await until(() => fills.upstream.asked.length === 2)
  assert.deepEqual(
    all.map(({ waitsForTurn }) => waitsForTurn),
    [false, false, true, true],
  )
  gate.open()
  const got = await Promise.all(all.map((fill) => readAll(fill.read(0))))
  for (const [index, bytes] of got.entries()) assert.ok(bytes.equals(blobs[index] ?? Buffer.alloc(0)))
})

test('a prefix that is longer than the blob is thrown away', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const long = Buffer.concat([BYTES, Buffer.alloc(100_000)])
  const gate = gateAt(BYTES.length + 1)
  fills.upstream.blobScript = () => ({ untold: true, bytes: long, chunk: 10_000, before: gate.before })
  const first = fills.join(digest)
  await gate.reached
  await until(() => first.head > BYTES.length)
  await fills.restart()
  gate.open()
  fills.upstream.blobScript = () => ({})
  assert.ok((await readAll(fills.join(digest, { size: BYTES.length }).read(0))).equals(BYTES))
})

test('when a download begins anew, who was given bytes of it is broken, and who was not gets the right ones (D-9)', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  const gate = gateAt(3 * MEBIBYTE)
  const wrong = Buffer.from(BYTES)
  wrong[5] = (wrong[5] ?? 0) ^ 1
  fills.upstream.blobScript = () => ({ bytes: wrong, before: gate.before })
  fills.join(digest)
  await gate.reached
  await fills.restart()
  gate.open()
  const last = gateAt(BYTES.length - 65_536)
  fills.upstream.blobScript = () => ({ before: last.before })
  const fill = fills.join(digest)
  const touched = fill.read(0)
  await fill.source.begun
  assert.equal(await touched.read(Buffer.alloc(100), 0), 100)
  const untouched = fill.read(BYTES.length - 100)
  const tail = untouched.read(Buffer.alloc(100), BYTES.length - 100)
  const broken = assert.rejects(touched.read(Buffer.alloc(MEBIBYTE), BYTES.length - 1000), { name: 'UpstreamFailure' })
  last.open()
  await broken
  assert.equal(await tail, 100)
  await fill.done
  assert.equal((await fills.blobs.stat(digest))?.size, BYTES.length)
  await Promise.all([touched.close(), untouched.close()])
})

test('what is stored nowhere and read by nobody is not downloaded to its end', async () => {
  await using fills = await openTestFills()
  const bytes = seededBytes('nobody', 24 * MEBIBYTE)
  const digest = fills.publish(bytes)
  fills.disk.append = () => {
    throw FULL
  }
  let furthest = 0
  fills.upstream.blobScript = () => ({
    before: (at) => {
      furthest = at
    },
  })
  const fill = fills.join(digest)
  const reader = fill.read(0)
  assert.equal(await reader.read(Buffer.alloc(1000), 0), 1000)
  await until(() => fills.reports.length > 0)
  await reader.close()
  await fill.closed
  assert.ok(furthest < 16 * MEBIBYTE, `it went on to byte ${furthest}`)
})

test('who waits for headers in line is told when the server ends', async () => {
  const fills = await openTestFills({ slots: new FillSlots(1, 1) })
  const hang = gateAt(0)
  fills.upstream.blobScript = () => ({ before: hang.before })
  fills.join(fills.publish(seededBytes('first', 1000)))
  const second = fills.join(fills.publish(seededBytes('second', 1000)))
  await hang.reached
  const told = assert.rejects(second.source.begun, /The server ends/)
  await fills[Symbol.asyncDispose]()
  await told
})

test('an upstream that has nothing behind what is there (416) is asked for the whole', async () => {
  await using fills = await openTestFills({ patience: { retry: 1 } })
  const digest = fills.publish(BYTES)
  const gate = gateAt(MEBIBYTE)
  fills.upstream.blobScript = () => ({ untold: true, before: gate.before })
  fills.join(digest)
  await gate.reached
  await fills.restart()
  gate.open()
  let asked = 0
  fills.upstream.script = () => {
    asked += 1
    if (asked === 1) throw failureOf('upstream-broken', { hop: 'blob', status: 416 })
  }
  fills.upstream.blobScript = () => ({ untold: true })
  assert.ok((await readAll(fills.join(digest).read(0))).equals(BYTES))
  assert.equal(asked, 2)
})

test('a sync that fails on the way is the end of the file, and nobody is told wrong bytes for it (D-3)', async () => {
  await using fills = await openTestFills()
  const bytes = seededBytes('marks', 70 * MEBIBYTE)
  const digest = fills.publish(bytes)
  fills.disk.sync = () => Promise.reject(new Error('EIO'))
  const fill = fills.join(digest)
  assert.ok((await readAll(fill.read(0))).equals(bytes))
  await fill.closed
  assert.equal(fills.reports.length, 1)
  assert.equal(await fills.blobs.stat(digest), undefined)
  assert.deepEqual(await fills.writes(), [])
})

test('while readers have a file that takes nothing more, the next download goes through without one', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  let appends = 0
  fills.disk.append = () => {
    appends += 1
    if (appends === 2) throw FULL
  }
  const first = fills.join(digest)
  const slow = first.read(0)
  await first.done
  const second = fills.join(digest)
  assert.notEqual(second, first)
  assert.ok((await readAll(second.read(0))).equals(BYTES))
  await second.closed
  assert.equal(await fills.blobs.stat(digest), undefined)
  assert.ok((await readAll(slow)).equals(BYTES))
  await first.closed
  await fills.join(digest).done
  assert.equal((await fills.blobs.stat(digest))?.size, BYTES.length)
})
