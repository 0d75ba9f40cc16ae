import { readFile, rm } from 'node:fs/promises'
import { get as getPlain } from 'node:http'
import { get } from 'node:https'
import { join } from 'node:path'
import { hexOf } from '../../src/oci/digest.ts'
import { MEDIA_TYPES } from '../../test/helpers/images.ts'
import { run } from '../../test/helpers/processes.ts'
import { program } from '../../test/helpers/programs.ts'
import type { MadeImage } from '../upstream/manners.ts'
import { clientOf } from './clients.ts'
import type { Contender } from './contender.ts'
import type { Kit } from './scenario.ts'

const ANY_MANIFEST = Object.values(MEDIA_TYPES.oci).slice(0, 2).join(', ')

/** How a download went, as curl saw it. */
export interface Pull {
  readonly seconds: number
  readonly bytes: number
  /** 200, and as many bytes as were announced. */
  readonly whole: boolean
}

/** Where a contender, or the upstream itself, has the layer. */
export function layerUrl({ url }: { readonly url: string }, { repository, layer }: MadeImage): string {
  return `${url}/v2/${repository}/blobs/${layer}`
}

export function tagUrl({ url }: { readonly url: string }, { repository }: MadeImage): string {
  return `${url}/v2/${repository}/manifests/latest`
}

/** Pulls the manifest, as clients do before the layer. */
export async function pullTag(contender: Contender, { repository }: MadeImage, kit: Kit): Promise<void> {
  using client = await clientOf(contender, kit)
  await client.pullManifest(repository, 'latest')
}

/** By a process of its own, in C. Whatever comes of it is an answer, not an error. */
export async function pull(
  url: string,
  { certificates }: Kit,
  { most = 600 }: { readonly most?: number } = {},
): Promise<Pull> {
  const { stdout } = await run(
    program('sh'),
    // Its code says no more than `exitcode`.
    [
      '-c',
      '"$0" "$@" || true',
      program('curl'),
      '--silent',
      '--cacert',
      certificates.ca,
      '--output',
      '/dev/null',
    ].concat(
      ['--max-time', String(most), '--header', `Accept: ${ANY_MANIFEST}`],
      ['--write-out', '%{time_total} %{size_download} %{response_code} %{exitcode}', url],
    ),
    { timeoutMs: (most + 10) * 1000 },
  )
  const [seconds = 0, bytes = 0, status, code] = stdout.split(' ').map(Number)
  return { seconds, bytes, whole: status === 200 && code === 0 }
}

/** Milliseconds to the first byte of the body. The rest is left. */
export async function firstByte(url: string, { certificates }: Kit): Promise<number> {
  const ca = await readFile(certificates.ca, 'utf8')
  const begun = performance.now()
  return await new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? get : getPlain)(url, { ca, agent: false }, (response) => {
      response.once('data', () => {
        resolve(performance.now() - begun)
        request.destroy()
      })
      response.once('end', () => reject(new Error(`${url}: ${response.statusCode}, and no byte`)))
    }).once('error', reject)
  })
}

/** Takes the layer out of a folder that is served: nobody asks for it again, and the disk is not without end. */
export async function forget(data: string, { layer }: MadeImage): Promise<void> {
  const hex = hexOf(layer)
  await rm(join(data, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data'), { force: true })
}
