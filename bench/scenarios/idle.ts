import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { makeImage } from '../../test/helpers/images.ts'
import { clientOf, download } from '../kit/clients.ts'
import type { Contender } from '../kit/contender.ts'
import { linkIntoFolder, makeLargeBlob } from '../kit/large-blob.ts'
import { median } from '../kit/measure.ts'
import type { Kit, Row, Scenario } from '../kit/scenario.ts'

/** The bars are in megabytes. */
const MEGABYTE = 1e6

const STALLED = 64

/** What a server costs that has nothing to do, and one whose clients do not take what they asked for. */
export const idle: Scenario = {
  name: 'idle',
  async run(kit) {
    return [...(await starts(kit)), ...(await stalled(kit))]
  },
}

async function starts(kit: Kit): Promise<Row[]> {
  const times: number[] = []
  const memories: number[] = []
  const others: string[] = []
  for (let run = 0; run <= kit.runs; run += 1) {
    await using homeport = await kit.start('homeport', { bcryptCost: 5 })
    await warm(homeport, kit)
    // Its threads for passwords end after 30 s without one.
    if (run === 0) await sleep(40_000)
    times.push(homeport.startMs)
    if (run === 0) memories.push(await homeport.memory())
  }
  for (const name of ['registry2', 'registry3'] as const) {
    await using other = await kit.start(name, { bcryptCost: 5 })
    await warm(other, kit)
    others.push(`${name} ${other.startMs.toFixed(0)} ms, ${inMegabytes(await other.memory())}`)
  }
  const [time, memory] = [median(times), median(memories)]
  return [
    {
      work: 'start to first answer',
      bar: '≤ 1 s',
      figures: `${time.toFixed(0)} ms`,
      met: time <= 1000,
    },
    {
      work: 'memory when idle, after a push and a pull',
      bar: '≤ 130 MB',
      figures: `${inMegabytes(memory)} (${others.join('; ')})`,
      met: memory <= 130 * MEGABYTE,
    },
  ]
}

async function stalled(kit: Kit): Promise<Row[]> {
  const blob = await makeLargeBlob(kit.folder.at('stalled'), 'a blob to stall on')
  await using homeport = await kit.start('homeport', {
    fill: (data) => linkIntoFolder(blob, data, 'bench/large'),
  })
  const path = `/v2/bench/large/blobs/${blob.digest}`
  await download(`${homeport.url}${path}`, kit)
  const before = await homeport.memory()
  const sockets = await Promise.all(Array.from({ length: STALLED }, () => stall(homeport.url, path)))
  await sleep(3_000)
  const during = await homeport.memory()
  for (const socket of sockets) socket.destroy()
  await sleep(60_000)
  const after = await homeport.memory()
  return [
    {
      work: `${STALLED} stalled downloads of 1 GiB: memory`,
      bar: '≤ 300 MB',
      figures: inMegabytes(during),
      met: during <= 300 * MEGABYTE,
    },
    {
      work: 'a minute after them: memory above what it was before',
      bar: '≤ 10 MB',
      figures: `${((after - before) / MEGABYTE).toFixed(0)} MB (${inMegabytes(before)} before)`,
      met: after - before <= 10 * MEGABYTE,
    },
  ]
}

async function warm(contender: Contender, kit: Kit): Promise<void> {
  using client = await clientOf(contender, kit)
  await client.pushImage('bench/app', makeImage('bench'), 'latest')
  await client.pullManifest('bench/app', 'latest')
}

/** Asks for a blob, takes the first bytes, and no more. */
async function stall(url: string, path: string): Promise<TLSSocket> {
  const { port } = new URL(url)
  const socket = connect({ port: Number(port), host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
  await once(socket, 'readable')
  socket.read(1)
  return socket
}

function inMegabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(0)} MB`
}
