import assert from 'node:assert/strict'
import { digestOf } from '../helpers/digest-of.ts'
import type { Answer, RegistryClient, RequestOptions } from '../helpers/registry-client.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { pick, type Random } from '../helpers/seeded-random.ts'
import { type Outcome, Register, type Writing } from './register.ts'

/** Nothing is there. Else: `there`, or of a tag the digest that it is at. */
const NOTHING = 'nothing'
const THERE = 'there'

const TYPE = 'application/vnd.oci.image.manifest.v1+json'
const REPOSITORIES = ['team/a', 'team/b']
const TAGS = ['latest', 'v1', 'v2']
const BLOBS = Array.from({ length: 8 }, (_, index) => seededBytes(`blob ${index}`, 100 + 50 * index))
const MANIFESTS = Array.from({ length: 10 }, (_, index) => manifestOf(index))

/** Who asks. */
type Client = Pick<RegistryClient, 'request'>

interface Manifest {
  readonly bytes: Buffer
  readonly digest: string
  readonly blobs: readonly Buffer[]
}

/** Few names, so that clients meet at them; and for each what it may hold. */
export class Model {
  readonly #registers = new Map<string, Register<string>>()

  /** One operation at random. Rejects with an `AssertionError` where the answer cannot be, and with others where none came. */
  async step(client: Client, random: Random): Promise<void> {
    const repository = pick(random, REPOSITORIES)
    const blob = pick(random, BLOBS)
    const manifest = pick(random, MANIFESTS)
    const tag = pick(random, TAGS)
    const chance = random(100)
    if (chance < 14) await this.#pushBlob(client, repository, blob, { inPieces: false })
    else if (chance < 22) await this.#pushBlob(client, repository, blob, { inPieces: true })
    else if (chance < 30) await this.#mount(client, { from: pick(random, REPOSITORIES), to: repository }, blob)
    else if (chance < 45) await this.#pushManifest(client, repository, manifest, tag)
    else if (chance < 52) await this.#pushManifest(client, repository, manifest)
    else if (chance < 57) await this.#delete(client, repository, `manifests/${tag}`)
    else if (chance < 61) await this.#deleteManifest(client, repository, manifest)
    else if (chance < 65) await this.#delete(client, repository, `blobs/${digestOf(blob)}`)
    else if (chance < 80) await this.#readTag(client, repository, tag)
    else if (chance < 87) await this.#read(client, repository, `manifests/${manifest.digest}`, manifest.bytes)
    else if (chance < 96) await this.#read(client, repository, `blobs/${digestOf(blob)}`, blob)
    else await this.#list(client, repository)
  }

  /** Looks at everything. */
  async verify(client: Client): Promise<void> {
    for (const repository of REPOSITORIES) {
      for (const tag of TAGS) await this.#readTag(client, repository, tag)
      for (const { digest, bytes } of MANIFESTS) await this.#read(client, repository, `manifests/${digest}`, bytes)
      for (const blob of BLOBS) await this.#read(client, repository, `blobs/${digestOf(blob)}`, blob)
      await this.#list(client, repository)
    }
  }

  async #pushBlob(
    client: Client,
    repository: string,
    blob: Buffer,
    { inPieces }: { inPieces: boolean },
  ): Promise<void> {
    const digest = digestOf(blob)
    const path = `/v2/${repository}/blobs/uploads/`
    let location = path
    if (inPieces) {
      const begun = await client.request('POST', path)
      const sent = await client.request('PATCH', begun.headers.location ?? '', { body: blob.subarray(0, 60) })
      assert.deepEqual([begun.status, sent.status], [202, 202])
      location = sent.headers.location ?? ''
    }
    const body = inPieces ? blob.subarray(60) : blob
    await this.#change([this.#at(repository, `blobs/${digest}`).write(THERE)], async () => {
      const answer = await client.request(inPieces ? 'PUT' : 'POST', `${location}?digest=${digest}`, { body })
      assert.equal(answer.status, 201, answer.text)
      return 'done'
    })
  }

  async #mount(client: Client, { from, to }: { from: string; to: string }, blob: Buffer): Promise<void> {
    const digest = digestOf(blob)
    const source = this.#at(from, `blobs/${digest}`).look()
    const target = this.#at(to, `blobs/${digest}`).write(THERE)
    try {
      await this.#change([target], async () => {
        const answer = await client.request('POST', `/v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`)
        assert.ok(answer.status === 201 || answer.status === 202, answer.text)
        assert.ok(source.may(answer.status === 201 ? THERE : NOTHING), `a mount from ${from}: ${answer.status}`)
        if (answer.status === 201) return 'done'
        await client.request('DELETE', answer.headers.location ?? '')
        return 'refused'
      })
    } finally {
      source.end()
    }
  }

  async #pushManifest(client: Client, repository: string, manifest: Manifest, tag?: string): Promise<void> {
    const { digest, bytes, blobs } = manifest
    const needed = blobs.map((blob) => this.#at(repository, `blobs/${digestOf(blob)}`).look())
    const writings = [this.#at(repository, `manifests/${digest}`).write(THERE)]
    if (tag !== undefined) writings.push(this.#at(repository, `manifests/${tag}`).write(digest))
    try {
      await this.#change(writings, async () => {
        const answer = await put(client, `/v2/${repository}/manifests/${tag ?? digest}`, bytes)
        if (answer.status === 201) {
          assert.ok(
            needed.every((look) => look.may(THERE)),
            'a manifest was taken whose blobs are not there',
          )
          return 'done'
        }
        assert.match(answer.text, /MANIFEST_BLOB_UNKNOWN/)
        assert.ok(
          needed.some((look) => look.may(NOTHING)),
          'a manifest was refused whose blobs are there',
        )
        return 'refused'
      })
    } finally {
      for (const look of needed) look.end()
    }
  }

  /** With its tags, wherever they are: each may go. */
  async #deleteManifest(client: Client, repository: string, { digest }: Manifest): Promise<void> {
    const tags = TAGS.map((tag) => this.#at(repository, `manifests/${tag}`))
    const writings = tags.map((tag) => tag.write(NOTHING))
    try {
      await this.#delete(client, repository, `manifests/${digest}`)
    } finally {
      for (const writing of writings) writing.end('unknown')
    }
  }

  async #delete(client: Client, repository: string, what: string): Promise<void> {
    const writing = this.#at(repository, what).write(NOTHING)
    await this.#change([writing], async () => {
      const { status, text } = await client.request('DELETE', `/v2/${repository}/${what}`)
      if (status === 202) return 'done'
      assert.equal(status, 404, text)
      assert.ok(writing.may(NOTHING), `${repository}/${what} is there, and its deletion got 404`)
      return 'refused'
    })
  }

  async #readTag(client: Client, repository: string, tag: string): Promise<void> {
    const look = this.#at(repository, `manifests/${tag}`).look()
    let saw: string | undefined
    try {
      const answer = await get(client, `/v2/${repository}/manifests/${tag}`)
      saw = answer.status === 404 ? NOTHING : digestOf(answer.bytes)
      assert.ok(look.may(saw), `${repository}:${tag} is at ${saw}`)
    } finally {
      look.end(saw)
    }
  }

  async #read(client: Client, repository: string, what: string, bytes: Buffer): Promise<void> {
    const look = this.#at(repository, what).look()
    let saw: string | undefined
    try {
      const answer = await get(client, `/v2/${repository}/${what}`)
      saw = answer.status === 404 ? NOTHING : THERE
      assert.ok(look.may(saw), `${repository}/${what}: ${saw}`)
      if (saw === THERE) assert.ok(answer.bytes.equals(bytes), `${repository}/${what} has other bytes`)
    } finally {
      look.end(saw)
    }
  }

  async #list(client: Client, repository: string): Promise<void> {
    const looks = TAGS.map((tag) => ({ tag, look: this.#at(repository, `manifests/${tag}`).look() }))
    try {
      const answer = await get(client, `/v2/${repository}/tags/list`)
      const listed: string[] = answer.status === 404 ? [] : (JSON.parse(answer.text).tags ?? [])
      for (const { tag, look } of looks) {
        const mayBe = listed.includes(tag) ? MANIFESTS.some(({ digest }) => look.may(digest)) : look.may(NOTHING)
        assert.ok(mayBe, `${repository}:${tag} is ${listed.includes(tag) ? '' : 'not '}listed`)
      }
    } finally {
      for (const { look } of looks) look.end()
    }
  }

  #at(repository: string, what: string): Register<string> {
    const place = `${repository}/${what}`
    const register = this.#registers.get(place) ?? new Register(NOTHING)
    this.#registers.set(place, register)
    return register
  }

  /** Asks for a change, whose places are told how it ended. */
  async #change(writings: readonly Writing<string>[], ask: () => Promise<Outcome>): Promise<void> {
    let outcome: Outcome = 'unknown'
    try {
      outcome = await ask()
    } finally {
      for (const writing of writings) writing.end(outcome)
    }
  }
}

async function get(client: Client, path: string): Promise<Answer> {
  const answer = await client.request('GET', path, { headers: { accept: TYPE } })
  assert.ok(answer.status === 200 || answer.status === 404, `GET ${path}: ${answer.status} ${answer.text}`)
  return answer
}

async function put(client: Client, path: string, body: NonNullable<RequestOptions['body']>): Promise<Answer> {
  return await client.request('PUT', path, { headers: { 'content-type': TYPE }, body })
}

function manifestOf(index: number): Manifest {
  const blobs = [BLOBS[index % BLOBS.length], BLOBS[(index * 3 + 1) % BLOBS.length]].filter(
    (blob) => blob !== undefined,
  )
  const [config, ...layers] = blobs.map((blob) => ({ mediaType: 'a/b', digest: digestOf(blob), size: blob.length }))
  const annotations = { index: String(index) }
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: TYPE, config, layers, annotations }))
  return { bytes, digest: digestOf(bytes), blobs }
}
