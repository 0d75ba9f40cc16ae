import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { issueCertificate } from '../../helpers/certificates.ts'
import { run } from '../../helpers/processes.ts'
import { program } from '../../helpers/programs.ts'

test('a certificate is trusted by its root through the intermediate, and only through it', async () => {
  const { ca, certificate } = await issueCertificate()
  await run(program('openssl'), [
    'verify',
    '-x509_strict',
    '-purpose',
    'sslserver',
    '-CAfile',
    ca,
    '-untrusted',
    certificate,
    certificate,
  ])
  await assert.rejects(run(program('openssl'), ['verify', '-CAfile', ca, certificate]), /unable to get local issuer/)
})

test('a certificate is for this machine and for the names given, and has its key', async () => {
  const { certificate, key } = await issueCertificate(['registry.test', '10.0.0.1'])
  const leaf = new X509Certificate(await readFile(certificate))
  assert.equal(leaf.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, DNS:registry.test, IP Address:10.0.0.1')
  assert.equal(leaf.checkPrivateKey(createPrivateKey(await readFile(key))), true)
})

test('two certificates of one test process have one root', async () => {
  const [one, other] = await Promise.all([issueCertificate(), issueCertificate()])
  assert.equal(one.ca, other.ca)
  assert.notEqual(one.certificate, other.certificate)
})
