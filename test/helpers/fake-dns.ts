import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'

/** Addresses of both families, in the order they are told; or what is said instead. */
export type DnsAnswer = readonly string[] | 'nxdomain' | 'servfail' | 'refused' | 'silence'

export interface DnsQuestion {
  readonly name: string
  readonly type: 'A' | 'AAAA' | 'other'
}

/**
 * A name server on a UDP port of loopback. Names that it does not know are `nxdomain`.
 *
 *     await using dns = await startFakeDns({ 'registry.example': ['127.0.0.1'] })
 *     … dns.address as the name server: `127.0.0.1:40123` …
 *     dns.names.set('registry.example', 'servfail')     // or silence, or only AAAA: ['::1']
 *     assert.equal(dns.questions.length, 2)             // each A and AAAA is one
 */
export async function startFakeDns(
  names: Readonly<Record<string, DnsAnswer>> = {},
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<FakeDns> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  await new Promise<void>((resolve, reject) => socket.once('error', reject).bind(port, host, resolve))
  return new FakeDns(socket, names)
}

export class FakeDns implements AsyncDisposable {
  readonly names: Map<string, DnsAnswer>
  readonly questions: DnsQuestion[] = []
  /** Milliseconds before each answer. */
  delay = 0
  readonly #socket: Socket

  constructor(socket: Socket, names: Readonly<Record<string, DnsAnswer>>) {
    this.#socket = socket
    this.names = new Map(Object.entries(names))
    socket.on('message', (message, from) => this.#answer(message, from))
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** As `dns.Resolver.setServers` takes it. */
  get address(): string {
    return `${this.#socket.address().address}:${this.port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }

  #answer(message: Buffer, from: RemoteInfo): void {
    const { question, end } = readQuestion(message)
    this.questions.push(question)
    const known = this.names.get(question.name.toLowerCase()) ?? 'nxdomain'
    if (known === 'silence') return
    const reply = encode(message.subarray(0, end), question, known)
    setTimeout(() => this.#socket.send(reply, from.port, from.address, () => {}), this.delay).unref()
  }
}

const TYPES = { 1: 'A', 28: 'AAAA' } as const
const CODES = { servfail: 2, nxdomain: 3, refused: 5 } as const
const HEADER = 12

/** RFC 1035, 4.1: the one question that every resolver asks at once. */
function readQuestion(message: Buffer): { readonly question: DnsQuestion; readonly end: number } {
  const labels: string[] = []
  let at = HEADER
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  const type = TYPES[message.readUInt16BE(at + 1) as keyof typeof TYPES] ?? 'other'
  return { question: { name: labels.join('.'), type }, end: at + 5 }
}

function encode(asked: Buffer, { type }: DnsQuestion, answer: Exclude<DnsAnswer, 'silence'>): Buffer {
  const header = Buffer.from(asked)
  const fitting =
    typeof answer === 'string' || type === 'other' ? [] : answer.filter((one) => isIPv6(one) === (type === 'AAAA'))
  const code = typeof answer === 'string' ? CODES[answer] : 0
  // An answer, recursion available; flags that were asked for stay.
  header.writeUInt16BE(0x8080 | (header.readUInt16BE(2) & 0x0100) | code, 2)
  header.writeUInt16BE(fitting.length, 6)
  header.writeUInt16BE(0, 8)
  header.writeUInt16BE(0, 10)
  const records = fitting.map((address) => {
    const data = addressBytes(address)
    const record = Buffer.alloc(HEADER)
    record.writeUInt16BE(0xc00c, 0) // The name is the one of the question.
    record.writeUInt16BE(data.length === 4 ? 1 : 28, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(0, 6) // Nobody keeps it.
    record.writeUInt16BE(data.length, 10)
    return Buffer.concat([record, data])
  })
  return Buffer.concat([header, ...records])
}

function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  const [front = '', back] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const [head, tail] = [groups(front), groups(back ?? '')]
  const filled = back === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail]
  return Buffer.from(filled.flatMap((group) => [group >> 8, group & 0xff]))
}
