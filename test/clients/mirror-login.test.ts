import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { startFakeUpstream } from '../helpers/fake-upstream.ts'
import { enterNamespace, NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { needs, program } from '../helpers/programs.ts'
import { startServer } from '../helpers/server.ts'
import { startDockerd } from './engines/dockerd.ts'
import { helloIndex } from './engines/lab.ts'

const MIRROR = 'registry.test:5001'
const CANARY = 'canary-of-docker-hub'

/** What `docker login` of Docker Hub leaves behind. */
const SIGNED_IN = { auths: { 'https://index.docker.io/v1/': { auth: btoa(`hub-user:${CANARY}`) } } }

test(
  'dockerd that is signed in at Docker Hub pulls through the mirror, and its login is nowhere (S24, FC-39, T34)',
  needs(...NAMESPACE_PROGRAMS, 'docker', 'dockerd-20'),
  async () => {
    const image = helloIndex('docker')
    await using upstream = await startFakeUpstream({ images: { 'library/hello:1': image } })
    await using server = await startServer({
      users: { ann: 'secret' },
      config: {
        log: { level: 'debug' },
        upstreams: { 'docker.io': { url: upstream.url, listen: '127.0.0.1:0' } },
        access: [
          { who: 'anonymous', may: ['pull'], repositories: ['docker.io/**'] },
          { who: 'ann', may: ['pull', 'push'] },
        ],
      },
    })
    await using namespace = await enterNamespace('registry.test')
    const said = server.log.find(({ msg }) => msg?.startsWith('a mirror of docker.io is at'))
    await namespace.expose(Number(/:(\d+)/.exec(said?.msg ?? '')?.[1]), 5001)
    const docker = await startDockerd(namespace, {
      dockerd: program('dockerd-20'),
      args: ['--registry-mirror', `http://${MIRROR}`, '--insecure-registry', MIRROR],
    })
    await writeFile(namespace.folder.at('docker-config/config.json'), JSON.stringify(SIGNED_IN))

    assert.equal(await docker.pull('hello:1'), image.manifest.digest)
    const sent = upstream.requests.map(({ headers }) => JSON.stringify(headers)).join()
    assert.doesNotMatch(sent, /authorization/i)
    await server.stop()
    const written = server.process.stdout + server.process.stderr
    // It asked with its login, and was somebody whom nobody knows.
    assert.match(written, /\/token\?account=hub-user/)
    assert.equal(written.includes(CANARY), false)
    assert.doesNotMatch(written, /a login failed/)
  },
)
