import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { algorithmOf, type Digest, hexOf } from '../../src/oci/digest.ts'
import { LinkFiles, type LinkPlace, pathOf } from '../../src/registry/link-files.ts'
import { digestOf } from './digest-of.ts'
import type { Image } from './images.ts'

/** Writes, file by file, what registry:2 would. For tests that need no registry:2, and for what it would not write. */
export class Registry2Folder {
  readonly root: string
  readonly #links: LinkFiles

  constructor(root: string) {
    this.root = root
    this.#links = new LinkFiles(root)
  }

  async addImage(repository: string, image: Image, tag?: string): Promise<void> {
    for (const child of image.children) await this.addImage(repository, child)
    for (const [digest, bytes] of image.blobs) {
      await this.addBytes(bytes)
      await this.#links.write({ repository, what: 'blob', digest }, digest)
    }
    const { digest, bytes } = image.manifest
    await this.addBytes(bytes)
    await this.#links.write({ repository, what: 'manifest', digest }, digest)
    if (tag !== undefined) await this.#links.write({ repository, what: 'tag', tag }, digest)
  }

  /** Without a link. `digest`: for bytes that are not what they should be. */
  async addBytes(bytes: Uint8Array, digest: Digest = digestOf(bytes)): Promise<Digest> {
    const hex = hexOf(digest)
    await this.addFile(join('docker/registry/v2/blobs', algorithmOf(digest), hex.slice(0, 2), hex, 'data'), bytes)
    return digest
  }

  /** A link that says anything, last written `at`, in epoch milliseconds. */
  async addLink(place: LinkPlace, text: string, at?: number): Promise<void> {
    const path = pathOf(place)
    await this.addFile(path, text)
    if (at !== undefined) await utimes(join(this.root, path), at / 1000, at / 1000)
  }

  /** `path` is relative. */
  async addFile(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true })
    await writeFile(join(this.root, path), content)
  }
}
