import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issueCertificate } from '../helpers/certificates.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { enterNamespace, NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { needs } from '../helpers/programs.ts'
import { PROXY_PROGRAMS, type ProxyKind, startRealProxy } from '../helpers/real-proxies.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { faultOf, ok, outcome, rawServer, testDoor, trusting } from '../unit/egress/harness.ts'

interface Row {
  readonly kind: ProxyKind
  readonly scheme?: 'socks5' | 'socks5h'
  /** What a wrong password comes to. Dante has no passwords but the system's. */
  readonly wrong?: object
  /** What a port comes to that nobody listens on. */
  readonly refused: object
}

const SOCKS_WRONG = { code: 'SOCKS_LOGIN_REFUSED' }
const SOCKS_REFUSED = { code: 'SOCKS_CONNECTION_REFUSED' }

const ROWS: readonly Row[] = [
  {
    ...{ kind: 'squid', wrong: { status: 407, scheme: 'Basic', code: 'ERR_CACHE_ACCESS_DENIED' } },
    refused: { status: 503, code: 'ERR_CONNECT_FAIL' },
  },
  // It says 401 where squid says 407.
  { kind: 'tinyproxy', wrong: { status: 401 }, refused: { status: 500 } },
  { kind: 'microsocks', scheme: 'socks5', wrong: SOCKS_WRONG, refused: SOCKS_REFUSED },
  { kind: 'microsocks', scheme: 'socks5h', wrong: SOCKS_WRONG, refused: SOCKS_REFUSED },
  { kind: 'dante', scheme: 'socks5', refused: SOCKS_REFUSED },
  { kind: 'dante', scheme: 'socks5h', refused: SOCKS_REFUSED },
]

/** Of the namespace's one address, which the proxies' machine knows by this name. */
const HOST = 'inside.example'
const ADDRESS = '198.51.100.7'
const [HTTPS, HTTP, CLOSED] = [4430, 8000, 9999]

test(
  'proxies: real ones carry https and http, refuse a wrong password once, and say whom they cannot reach',
  needs(...NAMESPACE_PROGRAMS, ...Object.values(PROXY_PROGRAMS).flat()),
  async (t) => {
    const tls = await issueCertificate([HOST])
    const ca = await trusting(tls)
    const big = seededBytes('proxies', 5_000_000)
    await using secured = await rawServer(
      (socket) => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${big.length}\r\n\r\n`)
        socket.write(big)
      },
      { tls },
    )
    await using plain = await rawServer(ok('hello'))
    await using namespace = await enterNamespace(HOST)
    await namespace.expose(secured.port, HTTPS)
    await namespace.expose(plain.port, HTTP)

    for (const [index, { kind, scheme, wrong, refused }] of ROWS.entries()) {
      await t.test(`${kind} ${scheme ?? ''} (T47, FC-43, FC-45)`, async () => {
        const at = { host: ADDRESS, port: 3128 + index }
        await using proxy = await startRealProxy(kind, {
          ...{ address: at, hosts: { [HOST]: ADDRESS }, start: namespace.start.bind(namespace) },
        })
        const port = await namespace.reach(at.port)
        const routeWith = (password?: string) =>
          proxy
            .url({ ...(scheme && { scheme }), ...(password && { password }) })
            .replace(`${ADDRESS}:${at.port}`, `127.0.0.1:${port}`)
        const resolve = async () => (scheme === 'socks5' ? [ADDRESS] : assert.fail('The proxy is to resolve names'))

        await using out = testDoor({ routes: [routeWith()], ca, resolve })
        const answer = await out.send(`https://${HOST}:${HTTPS}/v2/`)
        const chunks: Uint8Array[] = []
        for await (const chunk of answer.body) chunks.push(chunk)
        assert.equal(digestOf(Buffer.concat(chunks)), digestOf(big))
        for (const _ of [1, 2]) assert.equal(await outcome(out.send(`http://${HOST}:${HTTP}/`)), '200 hello')
        assert.doesNotMatch(secured.heads.concat(plain.heads).join('\n'), /proxy-authorization/i)

        for (const target of scheme === undefined ? ['https', 'http'] : ['https']) {
          const { hop, fault, facts } = await faultOf(out.send(`${target}://${HOST}:${CLOSED}/`))
          assert.deepEqual([hop, fault], ['proxy', 'proxy-refused'], target)
          assert.deepEqual(facts, { peer: `127.0.0.1:${port}`, ...refused }, target)
        }

        await using untrusting = testDoor({ routes: [routeWith()], resolve })
        const { fault, facts } = await faultOf(untrusting.send(`https://${HOST}:${HTTPS}/`))
        assert.deepEqual([fault, facts.issuer], ['untrusted', 'Homeport test root'])

        if (wrong === undefined) return
        await using stranger = testDoor({ routes: [routeWith('wrong')], ca, resolve })
        for (const target of [`https://${HOST}:${HTTPS}/`, `http://${HOST}:${HTTP}/`]) {
          const { hop, fault, facts } = await faultOf(stranger.send(target))
          assert.deepEqual([hop, fault, facts], ['proxy', 'proxy-refused', { peer: `127.0.0.1:${port}`, ...wrong }])
        }
        assert.equal(stranger.dialled.length, 2)
      })
    }
  },
)
