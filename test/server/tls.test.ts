import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { suite, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type Certificates, issueCertificate } from '../helpers/certificates.ts'
import { run } from '../helpers/processes.ts'
import { needs, program } from '../helpers/programs.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const CERTIFICATE = await issueCertificate()
const CA = readFileSync(CERTIFICATE.ca, 'utf8')

function startTls(settings: Readonly<Record<string, unknown>> = {}): Promise<Server> {
  const { certificate, key } = CERTIFICATE
  const http = { addr: '127.0.0.1:0', tls: { certificate, key, ...settings } }
  return startServer({ tls: CERTIFICATE, config: { http } })
}

interface Pong {
  readonly answer: string
  readonly alpn: string | false | null
  /** Of the certificate that was shown. */
  readonly names: string | undefined
}

/** Speaks TLS, and sends a ping. Rejects where the server does not have it. */
function ping(server: Server, options: ConnectionOptions = {}): Promise<Pong> {
  return new Promise((resolve, reject) => {
    let answer = ''
    let names: string | undefined
    const socket = connect(
      { port: server.port, host: '127.0.0.1', servername: 'localhost', ca: CA, ...options },
      () => {
        names = socket.getPeerX509Certificate()?.subjectAltName
        socket.write('GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
      },
    )
    socket.on('data', (bytes) => (answer += bytes.toString()))
    socket.on('error', reject)
    socket.on('close', () =>
      answer === '' ? reject(new Error('no answer')) : resolve({ answer, names, alpn: socket.alpnProtocol }),
    )
  })
}

suite('the versions and suites of TLS that are spoken', needs('openssl'), () => {
  // biome-ignore format: one case a line
  const cases: [name: string, settings: Record<string, unknown>, client: ConnectionOptions, spoken: RegExp | undefined][] = [
    ['1.3 where nothing is set', {}, {}, /^TLSv1\.3 /],
    ['1.2 where nothing is set', {}, { maxVersion: 'TLSv1.2' }, /^TLSv1\.2 /],
    ['1.1 where nothing is set', {}, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }, undefined],
    ['1.1 where minimumtls is tls1.0', { minimumtls: 'tls1.0' }, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }, undefined],
    ['1.2 where minimumtls is tls1.0', { minimumtls: 'tls1.0' }, { maxVersion: 'TLSv1.2' }, /^TLSv1\.2 /],
    ['1.2 where minimumtls is tls1.3', { minimumtls: 'tls1.3' }, { maxVersion: 'TLSv1.2' }, undefined],
    ['1.3 where minimumtls is tls1.3', { minimumtls: 'tls1.3' }, {}, /^TLSv1\.3 /],
    ['a suite that is listed', { ciphersuites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'] }, { maxVersion: 'TLSv1.2' }, /^TLSv1\.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384/],
    ['a suite that is not listed', { ciphersuites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'] }, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, undefined],
    ['1.3, whose suites are on beside a list', { ciphersuites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'] }, {}, /^TLSv1\.3 /],
  ]
  for (const [name, settings, client, spoken] of cases) {
    test(`${name}: ${spoken === undefined ? 'no' : 'yes'}`, async () => {
      await using server = await startTls(settings)
      if (spoken === undefined) return await assert.rejects(ping(server, client))
      const socket = await new Promise<TLSSocket>((resolve, reject) => {
        const to = { port: server.port, host: '127.0.0.1', servername: 'localhost', ca: CA, ...client }
        const opened = connect(to, () => resolve(opened)).on('error', reject)
      })
      assert.match(`${socket.getProtocol()} ${socket.getCipher().standardName}`, spoken)
      socket.destroy()
    })
  }

  test('a suite that there is not is left out with a warning; where none is left the start is refused', async () => {
    await using server = await startTls({ ciphersuites: ['TLS_RSA_WITH_RC4_128_SHA', 'TLS_AES_128_GCM_SHA256'] })
    assert.ok(server.log.some(({ msg }) => msg?.includes("'TLS_RSA_WITH_RC4_128_SHA' is left out")))
    await assert.rejects(startTls({ ciphersuites: ['TLS_RSA_WITH_RC4_128_SHA'] }), /has no suite that there is here/)
  })
})

suite('certificates of clients', needs('openssl'), () => {
  async function clients() {
    const folder = await temporaryFolder()
    const foreign = { certificate: folder.at('foreign.pem'), key: folder.at('foreign.key') }
    await run(program('openssl'), [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=foreign'],
      ...['-keyout', foreign.key, '-out', foreign.certificate],
    ])
    const shown = ({ certificate, key }: Pick<Certificates, 'certificate' | 'key'>) => ({
      ...{ cert: readFileSync(certificate), key: readFileSync(key) },
    })
    const all = { none: {}, own: shown(await issueCertificate()), foreign: shown(foreign) }
    await folder[Symbol.asyncDispose]()
    return all
  }

  // biome-ignore format: one case a line
  const cases: [clientauth: string | undefined, admitted: string[]][] = [
    [undefined, ['own']],
    ['require-and-verify-client-cert', ['own']],
    ['verify-client-cert-if-given', ['none', 'own']],
    ['require-any-client-cert', ['own', 'foreign']],
    ['request-client-cert', ['none', 'own', 'foreign']],
  ]
  for (const [clientauth, admitted] of cases) {
    test(`with clientauth ${clientauth ?? 'left out'} these are let in: ${admitted.join(', ')}`, async () => {
      await using server = await startTls({ clientcas: [CERTIFICATE.ca], ...(clientauth && { clientauth }) })
      for (const [name, shown] of Object.entries(await clients())) {
        const outcome = await ping(server, shown).then(
          ({ answer }) => answer.slice(0, 15),
          () => 'turned away',
        )
        assert.equal(outcome, admitted.includes(name) ? 'HTTP/1.1 200 OK' : 'turned away', name)
      }
    })
  }
})

suite('names and protocols that are asked for', needs('openssl'), () => {
  test('only http/1.1 is offered; one who wants h2 alone gets an alert, and its preface an error (T42)', async () => {
    await using server = await startTls()
    assert.equal((await ping(server, { ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'http/1.1')
    await assert.rejects(ping(server, { ALPNProtocols: ['h2'] }), /alert|ALPN|no application protocol/i)
    using raw = await RawSocket.connect({ port: server.port, ca: CA })
    await raw.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    assert.equal((await raw.answer()).status, 400)
    await raw.ended
    assert.match((await ping(server)).answer, /^HTTP\/1\.1 200/)
  })

  // biome-ignore format: one case a line
  const names: [name: string, bytes: Buffer][] = [
    ['an empty one', Buffer.alloc(0)],
    ['one of 255 bytes', Buffer.alloc(255, 'a')],
    ['one that is not ASCII', Buffer.from('r\u00e9gistry.\u65e5\u672c')],
    ['one with a NUL', Buffer.from('localhost\0.evil.test')],
    ['an address', Buffer.from('127.0.0.1')],
    ['one that nobody knows', Buffer.from('nobody.test')],
  ]

  test('whatever name a client asks for, ten thousand times, the server lives and answers the next (T40)', async () => {
    await using server = await startTls()
    for (const [name, bytes] of names) {
      const hello = clientHello(bytes)
      for (let sent = 0; sent < 1700; sent += 50) {
        const firsts = await Promise.all(Array.from({ length: 50 }, () => greet(server.port, hello)))
        // A handshake record, or an alert.
        for (const first of firsts) assert.ok(first === 0x16 || first === 0x15, `${name}: ${first}`)
      }
    }
    const { answer, names: shown } = await ping(server, {
      servername: 'nobody.test',
      checkServerIdentity: () => undefined,
    })
    assert.match(answer, /^HTTP\/1\.1 200/)
    assert.match(shown ?? '', /DNS:localhost/)
    assert.ok(server.process.running)
    assert.ok(!server.log.some(({ level }) => level === 'error'))
  })
})

/** The first byte that comes back; `undefined`: none did. */
function greet(port: number, hello: Buffer): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connectPlain({ port, host: '127.0.0.1' }, () => socket.write(hello))
    socket.once('data', (bytes) => {
      resolve(bytes[0])
      socket.destroy()
    })
    socket.on('error', () => resolve(undefined)).on('close', () => resolve(undefined))
  })
}

/** A greeting of TLS 1.2 with that name (RFC 5246, 7.4.1.2; RFC 6066, 3), which no library would send for every name. */
function clientHello(name: Buffer): Buffer {
  const withLength = (bytes: number, ...parts: Buffer[]) => {
    const content = Buffer.concat(parts)
    const length = Buffer.alloc(bytes)
    length.writeUIntBE(content.length, 0, bytes)
    return Buffer.concat([length, content])
  }
  const extension = (type: number, content: Buffer) => Buffer.concat([Buffer.from([0, type]), withLength(2, content)])
  const extensions = [
    extension(0, withLength(2, Buffer.from([0]), withLength(2, name))),
    // supported_groups: P-256; signature_algorithms: ECDSA with P-256 and SHA-256.
    extension(10, withLength(2, Buffer.from([0, 23]))),
    extension(13, withLength(2, Buffer.from([4, 3]))),
  ]
  const body = [
    ...[Buffer.from([3, 3]), Buffer.alloc(32, 7), withLength(1, Buffer.alloc(0))],
    // ECDHE-ECDSA-AES128-GCM-SHA256, and no compression.
    ...[withLength(2, Buffer.from([0xc0, 0x2b])), withLength(1, Buffer.from([0])), withLength(2, ...extensions)],
  ]
  const handshake = Buffer.concat([Buffer.from([1]), withLength(3, ...body)])
  return Buffer.concat([Buffer.from([0x16, 3, 1]), withLength(2, handshake)])
}
