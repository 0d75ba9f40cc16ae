import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { needs, program } from '../helpers/programs.ts'
import { startContainerd } from './engines/containerd.ts'
import { dockerSteps } from './engines/docker-steps.ts'
import { startDockerd } from './engines/dockerd.ts'
import { startLab } from './engines/lab.ts'

test('Docker Engine 29', needs(...NAMESPACE_PROGRAMS, 'docker', 'dockerd-29', 'containerd-2.4'), async (t) => {
  await using lab = await startLab()
  const containerd = await startContainerd(lab.namespace, { containerd: program('containerd-2.4') })
  const docker = await startDockerd(lab.namespace, {
    dockerd: program('dockerd-29'),
    // Debian's runc knows no time namespaces.
    args: ['--containerd', containerd.socket, '--feature', 'time-namespaces=false'],
    // Debian's docker speaks an older one than the daemon's own choice.
    env: { DOCKER_MIN_API_VERSION: '1.41' },
  })

  await t.test('keeps its images in containerd', async () => {
    const { stdout } = await docker.run(['info', '--format', '{{.DriverStatus}}'])
    assert.match(stdout, /io\.containerd\.snapshotter/)
  })
  await dockerSteps(t, lab, docker, 'oci')
})
