import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { ownNames } from '../../../src/app/own-names.ts'
import type { Certificate } from '../../../src/tls/certificate-source.ts'
import { issueCertificate } from '../../helpers/certificates.ts'

async function certificateFor(...names: string[]): Promise<Certificate> {
  const paths = await issueCertificate(names)
  const [certificate, key] = await Promise.all([readFile(paths.certificate), readFile(paths.key)])
  return { certificate, key, clientCas: [] }
}

test('a server is called by http.host and by its certificate, and by the next one as soon as that is in force', async () => {
  let current = await certificateFor('Reg.lan', '10.1.2.3', '*.wild.lan')
  const listeners: ((certificate: Certificate) => void)[] = []
  const certificates = {
    get current() {
      return current
    },
    onChange: (changed: (certificate: Certificate) => void) => void listeners.push(changed),
    [Symbol.dispose]() {},
  }
  const names = ownNames({ host: 'https://hub.example:8443/below/', certificates })
  const usual = ['hub.example:8443', 'hub.example', 'localhost', '127.0.0.1']
  assert.deepEqual([...names()].sort(), [...usual, 'reg.lan', '10.1.2.3'].sort())
  current = await certificateFor('next.lan')
  for (const changed of listeners) changed(current)
  assert.deepEqual([...names()].sort(), [...usual, 'next.lan'].sort())
})

test('a server without both is called nothing', () => {
  assert.deepEqual(ownNames({ host: undefined, certificates: undefined })(), [])
})
