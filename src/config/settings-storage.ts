import * as z from 'zod'
import { interval, onOff, refused, setting, text, warned } from './setting.ts'

const ONE_DRIVER = 'storage.filesystem is the one driver so far'

/** `storage`: where bytes lie, and what may be done to them. */
export const storage = z.strictObject({
  filesystem: z.strictObject({
    rootdirectory: setting('Folder of the volume.', text.default('/var/lib/registry')),
    maxthreads: warned('How many files may be open at once.', 'reads do not wait for threads here'),
    mustexist: setting(
      'Refuses to start on a folder that is no volume: an empty mount point, most likely.',
      onOff.default(false),
    ),
  }),
  inmemory: refused('Keeps everything in memory.', ONE_DRIVER),
  s3: refused('Keeps blobs in S3.', ONE_DRIVER),
  s3aws: refused('Another name of `storage.s3`.', ONE_DRIVER),
  azure: refused('Keeps blobs in Azure.', ONE_DRIVER),
  gcs: refused('Keeps blobs in Google Cloud Storage.', ONE_DRIVER),
  swift: refused('Keeps blobs in OpenStack Swift.', ONE_DRIVER),
  oss: refused('Keeps blobs in Aliyun OSS.', ONE_DRIVER),
  delete: z
    .strictObject({
      enabled: setting('Allows clients to delete manifests, tags and blobs.', onOff.default(false)),
    })
    .prefault({}),
  redirect: warned('Whether clients are sent to the storage itself.', 'blobs are always served from here'),
  cache: warned('Where descriptors of blobs are cached.', 'the catalog answers without a cache'),
  tag: warned('How many tags are looked up at once.', 'the catalog knows the tags of a manifest'),
  maintenance: z
    .strictObject({
      uploadpurging: z
        .strictObject({
          enabled: setting('Removes uploads that nobody goes on with.', onOff.default(true)),
          age: setting('How long an upload may rest. 0: 168h.', interval('168h')),
          interval: setting('How often uploads are looked through. 0: 24h.', interval('24h')),
          dryrun: setting('Only tells in the log what would be removed.', onOff.default(false)),
        })
        .prefault({}),
      readonly: z
        .strictObject({
          enabled: setting('Refuses everything that changes something.', onOff.default(false)),
        })
        .prefault({}),
    })
    .prefault({}),
})
