import { hexOf } from '../../../src/oci/digest.ts'
import { parseManifest } from '../../../src/oci/manifest.ts'
import { ABSENT, type OpenedUpstream, upstreamContract } from '../../contracts/upstream.contract.ts'
import { startFakeUpstream } from '../../helpers/fake-upstream.ts'
import { descriptorOf } from '../../helpers/images.ts'
import { MemoryUpstream } from '../../helpers/memory-upstream.ts'
import { openTestUpstream } from './harness.ts'

upstreamContract('HttpUpstream', async (images) => {
  const fake = await startFakeUpstream({ images })
  // What the contract asks for that is not there.
  fake.allow('*absent*')
  fake.allow((request) => request.target.includes(hexOf(ABSENT)))
  const opened = openTestUpstream({ url: fake.url })
  return {
    upstream: opened.upstream,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]()
      await fake[Symbol.asyncDispose]()
    },
  }
})

upstreamContract('MemoryUpstream', async (images): Promise<OpenedUpstream> => {
  const upstream = new MemoryUpstream()
  for (const [name, image] of Object.entries(images)) {
    const [repository = '', tag] = name.split(':')
    upstream.publish(repository, image, tag)
    const { subject, artifactType } = parseManifest(image.manifest.bytes)
    const referrer = { ...descriptorOf(image.manifest), ...(artifactType !== undefined && { artifactType }) }
    if (subject !== undefined) upstream.refer(subject, [referrer])
  }
  return { upstream, [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose]() }
})
