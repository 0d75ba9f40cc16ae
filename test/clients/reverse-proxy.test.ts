import assert from 'node:assert/strict'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../tools/command.ts'
import { issueCertificate } from '../helpers/certificates.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { makeImage, makeMultiPlatform } from '../helpers/images.ts'
import { enterNamespace, NAMESPACE_PROGRAMS, type Namespace } from '../helpers/namespace.ts'
import { withDescendants } from '../helpers/oci-layout.ts'
import type { RunningProcess } from '../helpers/processes.ts'
import { needs, program } from '../helpers/programs.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { htpasswdOf, LAUNCHER } from '../helpers/server.ts'
import { readDirectory, writeDirectory } from '../helpers/skopeo-directory.ts'
import { makeContainersHome } from './containers-home.ts'
import { smuggle } from './smuggling.ts'

const NAME = 'reg.example'
const CONFIG = '/etc/homeport/config.yml'
const [USER, PASSWORD] = ['ann', 's3cret pass:word']
/** Where the clients come from: the address that the name has in the namespace. */
const CLIENT = '198.51.100.7'
const FORGED = '203.0.113.9'

const PROXIES = {
  nginx: ['-g', 'daemon off;'],
  caddy: ['run', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile'],
} as const

/** The setups of the manual: the same files, under the same paths. */
const SETUPS = [
  { heading: 'nginx', proxy: 'nginx' },
  { heading: 'nginx, and TLS behind it too', proxy: 'nginx' },
  { heading: 'nginx, over a socket of the file system', proxy: 'nginx' },
  { heading: 'Caddy', proxy: 'caddy' },
  { heading: 'Caddy, and TLS behind it too', proxy: 'caddy' },
] as const

/** More than nginx takes by default, and more than it or we hold in memory. */
const LARGE = seededBytes('a large layer behind a proxy', 8 * 1024 * 1024)

/** How often something is done that may go wrong now and then. */
const TIMES = 20

const manual = await readFile(join(ROOT, 'docs/reverse-proxy.md'), 'utf8')
const shared = filesUnder('Homeport')

for (const { heading, proxy } of SETUPS) {
  const programs = [...NAMESPACE_PROGRAMS, proxy, 'skopeo', 'curl'] as const
  test(`the manual's "${heading}": images are pushed and pulled by the proxy's name`, needs(...programs), async (t) => {
    await using namespace = await enterNamespace(NAME)
    const files = new Map([...shared, ...filesUnder(heading)])
    const ca = await furnish(namespace, files)
    const server = await startHomeport(namespace)
    await startProxy(namespace, proxy)

    const { folder } = namespace
    const home = await makeContainersHome(folder.at('containers'))
    await home.trust(NAME, ca)
    const skopeo = (args: readonly string[]) => namespace.run(program('skopeo'), args, { env: home.env })
    const curl = async (...args: readonly string[]) =>
      (await namespace.run(program('curl'), ['--silent', '--show-error', '--cacert', ca, ...args])).stdout
    const as = ['--user', `${USER}:${PASSWORD}`]
    const uploads = `https://${NAME}/v2/team/app/blobs/uploads/`

    await t.test('skopeo pushes an image of several layers, a large one among them, and pulls it back', async () => {
      const image = makeImage('through a proxy', {
        layers: [[{ path: 'large', bytes: LARGE }], [{ path: 'b', bytes: 'b' }]],
      })
      await writeDirectory(folder.at('image'), image)
      await skopeo([
        'copy',
        '--dest-creds',
        `${USER}:${PASSWORD}`,
        '--preserve-digests',
        `dir:${folder.at('image')}`,
        `docker://${NAME}/team/app:v1`,
      ])
      await skopeo([
        'copy',
        '--src-creds',
        `${USER}:${PASSWORD}`,
        '--preserve-digests',
        `docker://${NAME}/team/app:v1`,
        `dir:${folder.at('back')}`,
      ])
      assert.deepEqual(await readDirectory(folder.at('back')), digestsOf(image))
    })

    await t.test('skopeo copies an image for several platforms from one repository to another', async () => {
      const image = makeMultiPlatform('through a proxy for many')
      await writeDirectory(folder.at('many'), image)
      const copy = (from: string, to: string) => {
        const creds = ['--src-creds', `${USER}:${PASSWORD}`, '--dest-creds', `${USER}:${PASSWORD}`]
        return skopeo(['copy', '--all', '--preserve-digests', ...creds, from, to])
      }
      await copy(`dir:${folder.at('many')}`, `docker://${NAME}/team/many:v1`)
      await copy(`docker://${NAME}/team/many:v1`, `docker://${NAME}/other/many:v1`)
      await copy(`docker://${NAME}/other/many:v1`, `dir:${folder.at('many-back')}`)
      assert.deepEqual(await readDirectory(folder.at('many-back')), digestsOf(image))
    })

    await t.test('a blob goes up in chunks, by the paths that are told, and a part of it comes back', async () => {
      const begun = await curl('--include', ...as, '--request', 'POST', uploads)
      const location = headerIn(begun, 'location')
      assert.match(location, /^\/v2\/team\/app\/blobs\/uploads\//)
      const session = `https://${NAME}${location}`
      const patch = (range: string, data: string) =>
        curl(
          '--include',
          ...as,
          '--request',
          'PATCH',
          '--header',
          `Content-Range: ${range}`,
          '--data-binary',
          data,
          session,
        )
      assert.equal(headerIn(await patch('0-4', 'hello'), 'range'), '0-4')
      assert.equal(headerIn(await patch('5-10', ' world'), 'range'), '0-10')
      const digest = digestOf('hello world')
      const put = await curl('--include', ...as, '--request', 'PUT', `${session}?digest=${digest}`)
      assert.match(put, /^HTTP\/\S+ 201/)
      const blob = `https://${NAME}${headerIn(put, 'location')}`
      assert.equal(await curl(...as, '--range', '6-10', blob), 'world')
    })

    await t.test('who sends a layer without a password gets 401, and no error of the proxy', async () => {
      const large = ['--data-binary', `@${folder.at('large')}`]
      await namespace.run(program('sh'), ['-c', `head -c 8000000 /dev/zero >${folder.at('large')}`])
      for (const version of ['--http2', '--http1.1']) {
        // What breaks the answer off is a race, which a third of them lose.
        for (let time = 0; time < TIMES; time += 1) {
          const shown = ['--output', '/dev/null', '--write-out', '%{http_code}']
          const status = await curl(version, ...shown, ...large, uploads)
          assert.equal(status, '401', `${version}, time ${time}`)
        }
      }
    })

    await t.test('the log has the address of the client, whatever that says of itself', async () => {
      const forged = ['X-Forwarded-For', 'X-Real-Ip'].flatMap((name) => ['--header', `${name}: ${FORGED}`])
      await curl(
        ...forged,
        '--header',
        `Forwarded: for=${FORGED}`,
        '--header',
        'User-Agent: a-forger',
        `https://${NAME}/v2/`,
      )
      const [line] = await server.output(/^.*"a-forger"$/m)
      assert.match(line, new RegExp(`^${CLIENT.replaceAll('.', '\\.')} - - `))
      assert.ok(!server.stdout.includes(FORGED))
    })

    // Others find other requests in some of it, and pass on what they found.
    if (proxy === 'nginx') {
      await t.test('what would be two requests for one reader is one for both, or refused (T44)', async () => {
        const port = await namespace.reach(443)
        const trusted = await readFile(ca, 'utf8')
        await smuggle({
          connect: () => RawSocket.connect({ port, ca: trusted, servername: NAME }),
          authorization: `Authorization: Basic ${btoa(`${USER}:${PASSWORD}`)}`,
          async seen(target) {
            await server.output(new RegExp(`"[A-Z]+ ${target} HTTP/`))
            const lines = server.stdout.matchAll(/"[^" ]* ([^" ]*) HTTP\/\S+" \d{3} /g)
            // The log may have the last of the tests before only now.
            return [...lines].map(([, path = '']) => path).filter((path) => !/^\/v2\/(team|other)\//.test(path))
          },
        })
        assert.doesNotMatch(server.stderr, /no HTTP/, 'what the proxy passed on could not be read')
      })
    }

    if (heading !== 'nginx') return
    await t.test('without trustedproxies all clients have the address of the proxy', async () => {
      await server.kill()
      const untrusting = (files.get(CONFIG) ?? '').replace(/^ *trustedproxies.*\n/m, '')
      await namespace.write(CONFIG, untrusting)
      const distrusting = await startHomeport(namespace)
      await curl('--header', 'User-Agent: anyone', `https://${NAME}/v2/`)
      const [line] = await distrusting.output(/^.*"anyone"$/m)
      assert.match(line, /^127\.0\.0\.1 - - /)
      assert.ok(!distrusting.stdout.includes(CLIENT))
    })
  })
}

test('every file of the manual is run', () => {
  const headings = [...manual.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading)
  const run = new Set<string>(['Homeport', ...SETUPS.map(({ heading }) => heading)])
  assert.deepEqual(
    headings.filter((heading) => filesUnder(heading).size > 0 && !run.has(heading)),
    [],
  )
  assert.equal(
    manual.match(/^```\w/gm)?.length,
    headings.reduce((sum, heading) => sum + filesUnder(heading).size, 0),
  )
})

/** The files that a section of the manual shows, by their paths. */
function filesUnder(heading: string): Map<string, string> {
  const [, section = ''] = manual.split(`\n## ${heading}\n`)
  const [own = ''] = section.split('\n## ')
  const shown = own.matchAll(/^`(\/[^`]+)`\n\n```\w+\n([\s\S]*?)^```$/gm)
  return new Map([...shown].map(([, path = '', text = '']) => [path, text]))
}

/** The files where they belong, certificates and users beside them. Resolves to the root certificate. */
async function furnish(namespace: Namespace, files: ReadonlyMap<string, string>): Promise<string> {
  const { certificate, key, ca } = await issueCertificate([NAME])
  const texts = new Map([
    ...files,
    [`/etc/ssl/${NAME}/fullchain.pem`, await readFile(certificate, 'utf8')],
    [`/etc/ssl/${NAME}/privkey.pem`, await readFile(key, 'utf8')],
    ['/etc/ssl/certs/ca-certificates.crt', await readFile(ca, 'utf8')],
    ['/etc/homeport/htpasswd', await htpasswdOf({ [USER]: PASSWORD })],
    // Debian's nginx has a site of its own on port 80, over IPv6 too, which a namespace need not have.
    ['/etc/nginx/sites-enabled/default', ''],
  ])
  for (const [path, text] of texts) await namespace.write(path, text)
  await namespace.run(program('sh'), ['-c', 'mkdir -p /run/homeport /var/lib/registry /var/log/nginx /var/lib/nginx'])
  const own = namespace.folder.at('ca.pem')
  await cp(ca, own)
  return own
}

async function startHomeport(namespace: Namespace): Promise<RunningProcess> {
  const server = namespace.start(LAUNCHER, ['serve', CONFIG])
  await server.output(/listening on/)
  return server
}

async function startProxy(namespace: Namespace, proxy: keyof typeof PROXIES): Promise<void> {
  const home = namespace.folder.at('proxy')
  await mkdir(home, { recursive: true })
  const env = { HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home }
  const started = namespace.start(program(proxy), PROXIES[proxy], { env })
  const ready = `for _ in $(seq 300); do curl -sk https://${NAME}/v2/ >/dev/null && exit 0; sleep 0.1; done; exit 1`
  await namespace.run(program('sh'), ['-c', ready]).catch((cause: unknown) => {
    throw new Error(`${proxy} does not answer: ${started.stdout}${started.stderr}`, { cause })
  })
}

function headerIn(answer: string, name: string): string {
  return new RegExp(`^${name}: (.*?)\r?$`, 'im').exec(answer)?.[1] ?? ''
}

function digestsOf(image: Parameters<typeof withDescendants>[0]): string[] {
  return withDescendants(image)
    .flatMap(({ manifest, blobs }) => [manifest.digest, ...blobs.keys()])
    .sort()
}
