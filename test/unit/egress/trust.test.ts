import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { openEgress } from '../../../src/egress/open-egress.ts'
import { readRoute } from '../../../src/egress/route-option.ts'
import { issueCertificate } from '../../helpers/certificates.ts'
import { startFakeProxy } from '../../helpers/fake-proxy.ts'
import { run } from '../../helpers/processes.ts'
import { faultOf, ok, outcome, proxied, rawServer, testDoor, trusting } from './harness.ts'

const ROUTES = ['direct', 'http', 'https', 'socks5', 'socks5h'] as const

for (const scheme of ROUTES) {
  test(`trust: by ${scheme}, a certificate of a private CA is refused, with its issuer, until the CA is given (T47)`, async () => {
    const tls = await issueCertificate(['reg.example'])
    await using server = await rawServer(ok('hello'), { tls })
    const own = scheme === 'https' ? { tls: await issueCertificate() } : {}
    await using proxy = await startFakeProxy({ hosts: { 'reg.example': server.port }, ...own })
    const route = scheme === 'direct' ? scheme : await proxied(proxy.url(scheme), own.tls)
    const url = `https://reg.example:${server.port}/`

    await using without = testDoor({ routes: [route] })
    const { hop, fault, facts } = await faultOf(without.send(url, { headers: { authorization: 'Bearer t' } }))
    assert.deepEqual([hop, fault, facts.peer], ['tls', 'untrusted', `reg.example:${server.port}`])
    assert.deepEqual([facts.issuer, facts.code], ['Homeport test root', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'])
    assert.deepEqual(server.heads, [])

    await using trusted = testDoor({ routes: [route], ca: await trusting(tls) })
    assert.equal(await outcome(trusted.send(url)), '200 hello')
  })
}

test('trust: a certificate of another name is refused, and nothing is sent (T47)', async () => {
  const tls = await issueCertificate(['other.example'])
  await using server = await rawServer(ok('hello'), { tls })
  await using out = testDoor({ ca: await trusting(tls) })
  const { hop, fault, facts } = await faultOf(out.send(`https://reg.example:${server.port}/`))
  assert.deepEqual([hop, fault, facts.code], ['tls', 'untrusted', 'ERR_TLS_CERT_ALTNAME_INVALID'])
  assert.deepEqual(server.heads, [])
})

test('trust: a certificate for an address is right for that address', async () => {
  const tls = await issueCertificate()
  await using server = await rawServer(ok('hello'), { tls })
  await using out = testDoor({ ca: await trusting(tls) })
  assert.equal(await outcome(out.send(`https://127.0.0.1:${server.port}/`)), '200 hello')
})

test('trust: an https proxy that is not trusted gets no password, and the fault is the proxy’s', async () => {
  const tls = await issueCertificate()
  await using proxy = await startFakeProxy({ user: 'ann', password: 'canary', tls })
  await using out = testDoor({ routes: [proxy.url('https')], ca: await trusting(tls) })
  const { hop, fault, facts } = await faultOf(out.send('https://reg.example/'))
  assert.deepEqual(
    [hop, fault, facts.peer, facts.issuer],
    ['proxy', 'untrusted', `localhost:${proxy.port}`, 'Homeport test root'],
  )
  assert.deepEqual(proxy.targets, [])
})

test('trust: a proxy that reads along is refused with its CA named, and taken where that CA is given (T47)', async () => {
  const tls = await issueCertificate(['reg.example'])
  await using server = await rawServer(ok('hello'), { tls })
  await using proxy = await startFakeProxy({ hosts: { 'reg.example': server.port }, inspect: tls })
  await using without = testDoor({ routes: [proxy.url()] })
  const { fault, facts } = await faultOf(without.send('https://reg.example/'))
  assert.deepEqual([fault, facts.issuer], ['untrusted', 'Homeport test root'])
  await using trusted = testDoor({ routes: [proxy.url()], ca: await trusting(tls) })
  assert.equal(await outcome(trusted.send('https://reg.example/')), '200 hello')
})

test('trust: what the system trusts is trusted beside what is set: SSL_CERT_FILE', async () => {
  const tls = await issueCertificate(['reg.example'])
  await using server = await rawServer(ok('hello'), { tls })
  const harness = JSON.stringify(new URL('harness.ts', import.meta.url).href)
  const script = `
    import { outcome, testDoor } from ${harness}
    import { rootCertificates } from 'node:tls'
    // Another's, which is trusted beside.
    await using out = testDoor({ ca: rootCertificates[0] })
    console.log(await outcome(out.send('https://reg.example:${server.port}/')))`
  const args = ['--input-type=module-typescript', '--eval', script]
  const told = async (env: Record<string, string>) =>
    (await run(process.execPath, args, { env: { ...env }, cwd: new URL('.', import.meta.url).pathname })).stdout.trim()
  assert.equal(await told({ SSL_CERT_FILE: tls.ca }), '200 hello')
  assert.equal(await told({}), 'tls: untrusted')
})

test('trust: who does not speak TLS is broken TLS', async () => {
  await using server = await rawServer('', { greet: (socket) => Boolean(socket.write('HTTP/1.1 400 No\r\n\r\n')) })
  await using out = testDoor()
  assert.equal(await outcome(out.send(`https://reg.example:${server.port}/`)), 'tls: tls-broken')
})

for (const [says, end] of [
  ['closed', 'end'],
  ['reset', 'resetAndDestroy'],
] as const) {
  test(`trust: a connection that is ${says} amid the handshake is a reset (FC-106)`, async () => {
    await using server = await rawServer('', {
      greet: (socket) => Boolean(socket.once('data', () => socket[end]())),
    })
    await using out = testDoor()
    assert.equal(await outcome(out.send(`https://reg.example:${server.port}/`)), 'tls: reset')
  })
}

test('trust: certificates that cannot be read are an error of the configuration', async () => {
  await using egress = openEgress()
  const route = readRoute('https://proxy.lan:1', 'routes')
  const pem = await trusting(await issueCertificate())
  const broken = pem.replace(/[A-Za-z]{20}/, '!'.repeat(20))
  const door = { name: 'reg.example', routes: [{ kind: 'direct' }], noproxy: [] } as const
  for (const ca of ['', 'no certificate', broken]) {
    assert.throws(() => egress.doorFor({ ...door, ca }), /^OperatorError: .* for reg\.example cannot be read/)
    if (route.kind === 'direct') continue
    assert.throws(() => egress.doorFor({ ...door, routes: [{ ...route, ca }] }), /for proxy\.lan:1 cannot be read/)
  }
  egress.doorFor({
    ...door,
    ca: `# the lab\n${pem}\n${await readFile((await issueCertificate()).certificate, 'utf8')}`,
  })
})
