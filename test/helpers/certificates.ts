import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { run } from './processes.ts'
import { program } from './programs.ts'
import { temporaryFolder } from './temporary.ts'

/** Paths of PEM files. */
export interface Certificates {
  /** The root alone: who trusts it needs the intermediate from the server. */
  readonly ca: string
  /** The server's certificate, then the intermediate. */
  readonly certificate: string
  readonly key: string
}

const CONFIG = `
[req]
distinguished_name = name
prompt = no
[name]
CN = from the command line
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`

const authorities = new Map<string, Promise<string>>()
let issued = 0

/**
 * A certificate for localhost, 127.0.0.1 and `names` (host names or addresses), signed by an intermediate, which a root
 * signed. Root and intermediate are made once a test process, and all is removed with it. `by`: another root, of this
 * name, which nobody trusts who trusts the first.
 */
export async function issueCertificate(
  names: readonly string[] = [],
  { by = 'Homeport test root' }: { readonly by?: string } = {},
): Promise<Certificates> {
  const made = authorities.get(by) ?? makeAuthority(by)
  authorities.set(by, made)
  const folder = await made
  issued += 1
  const leaf = `server-${issued}`
  const alternatives = ['localhost', '127.0.0.1', ...names].map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`)
  await writeFile(join(folder, `${leaf}.conf`), `${CONFIG}subjectAltName = ${alternatives.join(', ')}\n`)
  await sign(folder, { name: leaf, by: 'intermediate', config: `${leaf}.conf`, extensions: 'server' })

  const certificate = join(folder, `${leaf}-chain.pem`)
  const parts = await Promise.all([leaf, 'intermediate'].map((name) => readFile(join(folder, `${name}.pem`), 'utf8')))
  await writeFile(certificate, parts.join(''))
  return { ca: join(folder, 'root.pem'), certificate, key: join(folder, `${leaf}.key`) }
}

async function makeAuthority(name: string): Promise<string> {
  const { path: folder } = await temporaryFolder()
  await writeFile(join(folder, 'authority.conf'), CONFIG)
  await openssl(folder, [
    ...['req', '-x509', '-config', 'authority.conf', '-extensions', 'authority', '-subj', `/CN=${name}`],
    ...['-days', '30', ...newKey('root'), '-out', 'root.pem'],
  ])
  await sign(folder, { name: 'intermediate', by: 'root', config: 'authority.conf', extensions: 'authority' })
  return folder
}

interface Signing {
  readonly name: string
  readonly by: string
  readonly config: string
  readonly extensions: string
}

async function sign(folder: string, { name, by, config, extensions }: Signing): Promise<void> {
  await openssl(folder, [
    ...['req', '-new', '-config', config, '-subj', `/CN=Homeport test ${name}`, ...newKey(name), '-out', `${name}.csr`],
  ])
  await openssl(folder, [
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`, '-CAkey', `${by}.key`],
    // A file of serial numbers would be written by two at once.
    ...['-set_serial', `0x${randomBytes(16).toString('hex')}`],
    ...['-days', '30', '-extfile', config, '-extensions', extensions, '-out', `${name}.pem`],
  ])
}

function newKey(name: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`]
}

async function openssl(folder: string, args: readonly string[]): Promise<void> {
  await run(program('openssl'), args, { cwd: folder })
}
