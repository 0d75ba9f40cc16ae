import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLog } from '../../../src/base/log.ts'
import { openFileCertificate } from '../../../src/tls/file-certificate.ts'
import { certificateSourceContract } from '../../contracts/certificate-source.contract.ts'
import { type Certificates, issueCertificate } from '../../helpers/certificates.ts'
import { needs } from '../../helpers/programs.ts'
import { steeredWatch } from '../../helpers/steered-watch.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const FIRST = await issueCertificate()
const SECOND = await issueCertificate(['registry.test'])

async function opened() {
  const folder = await temporaryFolder()
  const paths = { certificate: folder.at('cert.pem'), key: folder.at('key.pem') }
  const put = ({ certificate, key }: Pick<Certificates, 'certificate' | 'key'>) => {
    copyFileSync(certificate, paths.certificate)
    copyFileSync(key, paths.key)
  }
  put(FIRST)
  const steered = steeredWatch()
  const lines: Record<string, unknown>[] = []
  const log = openLog({ level: 'info', write: (line) => lines.push(JSON.parse(line)) })
  const source = openFileCertificate({ ...paths, clientCas: [FIRST.ca], log, ...steered.options })
  let closed = false
  const settle = async () => {
    if (closed) return
    await steered.pass(2000)
    await steered.pass(500)
  }
  await settle()
  return {
    ...{ folder, paths, put, settle, lines },
    source: {
      get current() {
        return source.current
      },
      onChange: source.onChange,
      [Symbol.dispose]() {
        closed = true
        source[Symbol.dispose]()
      },
    },
    async renew() {
      put(SECOND)
      await settle()
    },
    async spoil() {
      copyFileSync(SECOND.certificate, paths.certificate)
      await settle()
    },
    async [Symbol.asyncDispose]() {
      source[Symbol.dispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

certificateSourceContract('files', opened)

test('a pair that does not match is told once, with both files', async () => {
  await using certificate = await opened()
  const { spoil, lines, paths, settle } = certificate
  await spoil()
  chmodSync(paths.certificate, 0o644)
  assert.equal(lines.length, 1)
  assert.equal(lines[0]?.['level'], 'error')
  assert.match(String(lines[0]?.['msg']), /the old one stays.*cert\.pem.*key\.pem.*mismatch/)
  copyFileSync(SECOND.key, paths.key)
  await settle()
  assert.equal(lines.at(-1)?.['msg'], 'the certificate was read anew')
})

test('a certificate that goes away, or becomes nonsense, leaves the old one', async () => {
  await using certificate = await opened()
  const { source, paths, settle, lines } = certificate
  const before = source.current
  rmSync(paths.key)
  await settle()
  writeFileSync(paths.key, 'nonsense')
  await settle()
  assert.equal(source.current, before)
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['error', 'error'],
  )
})

test('links that are turned to other files are a change, as certbot and Kubernetes turn them', async () => {
  await using folder = await temporaryFolder()
  for (const [name, from] of [
    ['archive1', FIRST],
    ['archive2', SECOND],
  ] as const) {
    mkdirSync(folder.at(name))
    copyFileSync(from.certificate, folder.at(name, 'cert.pem'))
    copyFileSync(from.key, folder.at(name, 'key.pem'))
  }
  // As in a volume of a Secret: cert.pem -> ..data/cert.pem, ..data -> archive1
  symlinkSync('archive1', folder.at('..data'))
  for (const name of ['cert.pem', 'key.pem']) symlinkSync(join('..data', name), folder.at(name))
  const steered = steeredWatch()
  const log = openLog({ level: 'error', write: () => {} })
  using source = openFileCertificate({
    ...{ certificate: folder.at('cert.pem'), key: folder.at('key.pem'), clientCas: [], log },
    ...steered.options,
  })
  const before = source.current
  symlinkSync('archive2', folder.at('..new'))
  renameSync(folder.at('..new'), folder.at('..data'))
  await steered.pass(2000)
  await steered.pass(500)
  assert.notDeepEqual(source.current.certificate, before.certificate)
})

const log = openLog({ level: 'error', write: () => {} })
const { certificate, key, ca } = FIRST

// biome-ignore format: one case a line
const refused: [name: string, options: { certificate: string; key: string; clientCas: string[] }, message: RegExp, hint: RegExp][] = [
  ['a file that is not there', { certificate: '/none.pem', key, clientCas: [] }, /http\.tls\.certificate cannot be read: '\/none\.pem': it is not there/, /put it there/],
  ['a key that is not there', { certificate, key: '/none.key', clientCas: [] }, /http\.tls\.key cannot be read: '\/none\.key': it is not there/, /mounted/],
  ['a folder in its place', { certificate: '/', key, clientCas: [] }, /http\.tls\.certificate cannot be read: '\/': it is a folder/, /docker makes one/],
  ['a key of another', { certificate, key: SECOND.key, clientCas: [] }, /http\.tls\.certificate '.*' with http\.tls\.key '.*' cannot be used/, /the key is its own/],
  ['a key in its place', { certificate: key, key, clientCas: [] }, /http\.tls\.certificate '.*' cannot be used/, /PEM/],
  ['a root that is a key', { certificate, key, clientCas: [ca, key] }, /http\.tls\.clientcas '.*' cannot be used/, /PEM/],
]

for (const [name, options, message, hint] of refused) {
  test(`a certificate: ${name} refuses the start, with the setting, the file and the remedy`, needs('openssl'), () => {
    assert.throws(() => openFileCertificate({ ...options, log }), { name: 'OperatorError', message, hint })
  })
}
