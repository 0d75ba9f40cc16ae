import assert from 'node:assert/strict'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { issueCertificate } from '../helpers/certificates.ts'
import { helloProgram } from '../helpers/hello-program.ts'
import { enterNamespace, NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { needs } from '../helpers/programs.ts'
import { runbookConfig, runbookStep } from '../helpers/runbook.ts'
import { buildImage, containerEngine, ENGINES } from './engines/container-engine.ts'
import { HELLO } from './engines/lab.ts'

const NAME = 'registry.tirro.ir'
const HOST = `${NAME}:5000`
const PASSWORD = 'a password of his'
const IMAGE = 'homeport'
/** Waits for a container. What it told is shown where it does not answer within a minute. */
const untilItAnswers = (container: string, url: string) => `
for _ in $(seq 600); do
  if curl -sk ${url}/v2/ >/dev/null; then exit 0; fi
  sleep 0.1
done
docker logs ${container}
exit 1
`

/** What starts registry:2's image, in a compose file, in a manifest of Kubernetes, by hand. */
const NAMES = [
  { as: 'the image', args: '--version', says: 'homeport 0.' },
  { as: 'registry', args: '--version', says: 'homeport 0.' },
  { as: '/bin/registry', args: 'serve /etc/docker/registry/config.yml', says: 'listening' },
  { as: '/entrypoint.sh', args: '/etc/docker/registry/config.yml', says: 'listening' },
  {
    as: 'registry',
    args: 'garbage-collect -m /etc/docker/registry/config.yml',
    says: 'garbage-collect is not built yet',
  },
]

/** What is told, one JSON a line, on both streams. */
const LOGS = 'docker logs registry 2>&1'

for (const name of ENGINES) {
  const programs = [
    ...NAMESPACE_PROGRAMS,
    'debootstrap',
    'tar',
    'skopeo',
    'curl',
    'htpasswd',
    'docker',
    'dockerd-20',
    'podman',
  ] as const
  test(`the runbook, walked with ${name} and Homeport in the place of registry:2`, needs(...programs), async (t) => {
    await using namespace = await enterNamespace(NAME)
    const { folder } = namespace
    const engine = await containerEngine(name, namespace)
    const { sh } = engine
    await buildImage(engine, namespace, IMAGE)
    const { certificate, key, ca } = await issueCertificate([NAME])

    await t.test('steps 1 to 5, as they stand there', async () => {
      await sh(runbookStep('**Step 1:'))
      await namespace.write('/opt/registry/config.yml', runbookConfig())
      for (const [file, source] of [
        ['fullchain.pem', certificate],
        ['privkey.pem', key],
      ] as const) {
        await namespace.write(`/etc/letsencrypt/live/${NAME}/${file}`, await readFile(source, 'utf8'))
      }
      await sh(runbookStep('**Copy Certs:'))
      // The package is there; and the prompts are for a person, who is not: -i takes the password from stdin.
      const step4 = runbookStep('**Step 4:')
        .replace(/^apt-get.*$/m, '')
        .replace('htpasswd -cB', 'htpasswd -icB')
      await sh(step4, { input: PASSWORD })
      await sh(runbookStep('**Step** 5:').replace('registry:2', IMAGE))
      await sh(untilItAnswers('registry', `https://${HOST}`))
    })

    await t.test('who has no password, or a wrong one, is refused', async () => {
      const status = `curl -s --cacert '${ca}' -o /dev/null -w '%{http_code}' https://${HOST}/v2/_catalog`
      assert.equal((await sh(status)).stdout, '401')
      assert.equal((await sh(`${status} -u ci-user:wrong`)).stdout, '401')
      assert.equal((await sh(`${status} -u 'ci-user:${PASSWORD}'`)).stdout, '200')
    })

    await t.test(`${name} pushes, pulls and runs`, async () => {
      await engine.trust(HOST, ca)
      await sh(`docker login --username ci-user --password-stdin ${HOST}`, { input: PASSWORD })
      await writeFile(folder.at('hello'), helloProgram(HELLO), { mode: 0o755 })
      const image = `${HOST}/team/hello:v1`
      await sh(`tar -C '${folder.path}' -c hello | docker import --change 'CMD ["/hello"]' - ${image}`)
      await sh(`docker push ${image} && docker rmi ${image} && docker pull ${image}`)
      const { stdout } = await sh(`docker run --rm --network none ${image}`)
      assert.equal(stdout, HELLO)
    })

    await t.test('skopeo copies from one name to another, and lists both', async () => {
      await cp(ca, folder.at('ca.crt'))
      const creds = `--creds 'ci-user:${PASSWORD}'`
      const at = `docker://${HOST}/team`
      const dirs = `--src-cert-dir '${folder.path}' --dest-cert-dir '${folder.path}'`
      await sh(
        `skopeo --insecure-policy copy ${dirs} --src-creds 'ci-user:${PASSWORD}' --dest-creds 'ci-user:${PASSWORD}' ${at}/hello:v1 ${at}/copy:v2`,
      )
      const { stdout } = await sh(`skopeo list-tags --cert-dir '${folder.path}' ${creds} ${at}/copy`)
      assert.deepEqual(JSON.parse(stdout).Tags, ['v2'])
    })

    await t.test('every line of its log is an object of JSON, and says what the runbook has wrong', async () => {
      const { stdout } = await sh(LOGS)
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      assert.ok(lines.every(({ service }) => service === 'registry'))
      const warnings = lines
        .filter(({ level }) => level === 'warn' || level === 'warning')
        .map(({ msg }) => String(msg))
      for (const expected of [
        /http\.host|config\.yml:\d+/,
        /remoteurl|proxy/,
        /accesslog/,
        /HTTP_PROXY/,
        /HTTPS_PROXY/,
      ]) {
        assert.ok(
          warnings.some((warning) => expected.test(warning)),
          `${expected} in:\n${warnings.join('\n')}`,
        )
      }
    })

    await t.test('it stops in time, with 0, and has everything when it is started again', async () => {
      await sh('docker stop registry')
      assert.equal((await sh("docker inspect --format '{{.State.ExitCode}}' registry")).stdout.trim(), '0')
      await sh('docker start registry')
      await sh(untilItAnswers('registry', `https://${HOST}`))
      const url = `https://${HOST}/v2/_catalog`
      const { stdout } = await sh(`curl -sf --cacert '${ca}' -u 'ci-user:${PASSWORD}' ${url}`)
      assert.deepEqual(JSON.parse(stdout), { repositories: ['team/copy', 'team/hello'] })
      await sh('docker rm --force registry')
    })

    await t.test(
      'it needs no root, no capability and no root file system to write to, where its files allow that',
      async () => {
        const mine = folder.at('mine')
        await sh(`mkdir '${mine}' && chown 1234:1234 '${mine}'`)
        const flags = `--user 1234:1234 --read-only --cap-drop ALL -v '${mine}:/var/lib/registry' -p 5001:5000`
        await sh(`docker run -d --name mine ${flags} ${IMAGE}`)
        await sh(untilItAnswers('mine', `http://${NAME}:5001`))
        const begin = `curl -sf -o /dev/null -w '%{http_code}' -X POST http://${NAME}:5001/v2/a/blobs/uploads/`
        assert.equal((await sh(begin)).stdout, '202')
        assert.equal((await sh(`stat -c %u '${mine}/homeport/catalog.db'`)).stdout.trim(), '1234')
        await sh('docker rm --force mine')
      },
    )

    await t.test('it names the file that it may not read, as another user than the one whose key it is', async () => {
      const files = ['config.yml', 'tls', 'auth'].map(
        (file) => `-v /opt/registry/${file}:/etc/docker/registry/${file}:ro`,
      )
      const flags = `--user 1234:1234 -v '${folder.at('mine')}:/var/lib/registry' ${files.join(' ')}`
      const { stdout } = await sh(
        `chmod 0600 /opt/registry/tls/privkey.pem; docker run --rm ${flags} ${IMAGE} 2>&1 || echo "ended with $?"`,
      )
      assert.match(stdout, /'\/etc\/docker\/registry\/tls\/privkey\.pem': this user may not read it.*deploy hook/)
      assert.match(stdout, /ended with 1/)
    })

    for (const { as, args, says } of NAMES) {
      await t.test(`it is started as ${as} ${args}`, async () => {
        const entry = as === 'the image' ? '' : `--entrypoint ${as}`
        const look = `docker logs named 2>&1 | grep -q '${says}'`
        const run = `docker run -d --name named ${entry} ${IMAGE} ${args}`
        const wait = `for _ in $(seq 300); do if ${look}; then break; fi; sleep 0.1; done`
        const { stdout } = await sh(
          `${run} >/dev/null; ${wait}; docker logs named 2>&1; docker rm --force named >/dev/null`,
        )
        assert.ok(stdout.includes(says), stdout)
      })
    }
  })
}
