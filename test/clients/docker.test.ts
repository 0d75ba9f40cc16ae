import { test } from 'node:test'
import { NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { needs, program } from '../helpers/programs.ts'
import { dockerSteps } from './engines/docker-steps.ts'
import { startDockerd } from './engines/dockerd.ts'
import { startLab } from './engines/lab.ts'

test('Docker 20.10', needs(...NAMESPACE_PROGRAMS, 'docker', 'dockerd-20'), async (t) => {
  await using lab = await startLab()
  const docker = await startDockerd(lab.namespace, { dockerd: program('dockerd-20') })
  await dockerSteps(t, lab, docker, 'docker')
})
