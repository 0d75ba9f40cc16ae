import { chmod, cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT, runCommand } from '../../../tools/command.ts'
import type { Namespace } from '../../helpers/namespace.ts'
import type { Outcome, ProcessOptions } from '../../helpers/processes.ts'
import { program } from '../../helpers/programs.ts'
import { makeContainersHome } from '../containers-home.ts'
import { baseImage } from './base-image.ts'
import { startDockerd } from './dockerd.ts'

export const ENGINES = ['docker', 'podman'] as const

/** What runs containers in a namespace, by the command `docker`, whoever is behind it. */
export interface ContainerEngine {
  /** A script of commands, as somebody types them. Rejects where one ends with another code than 0. */
  sh(script: string, options?: ProcessOptions): Promise<Outcome>
  /** Makes it trust an authority for a registry, as its documentation says. */
  trust(host: string, ca: string): Promise<void>
}

/** Starts Debian's Docker, or prepares podman, with networks of the namespace's own. */
export async function containerEngine(name: (typeof ENGINES)[number], namespace: Namespace): Promise<ContainerEngine> {
  const engine = name === 'docker' ? await docker(namespace) : await podman(namespace)
  const bin = namespace.folder.at('bin')
  await mkdir(bin)
  await writeFile(join(bin, 'docker'), `#!/bin/sh\nexec ${program(name)} "$@"\n`)
  await chmod(join(bin, 'docker'), 0o755)
  const PATH = `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`
  return {
    sh: (script, options) =>
      namespace.run(program('sh'), ['-eu', '-c', script], {
        ...options,
        env: { ...engine.env, PATH, ...options?.env },
        timeoutMs: 300_000,
      }),
    trust: engine.trust,
  }
}

/** Builds the image from the tree as `docs/container.md` says, on Debian's smallest system, and names it. */
export async function buildImage(engine: ContainerEngine, namespace: Namespace, image: string): Promise<void> {
  const context = namespace.folder.at('context')
  await mkdir(context)
  const built = await runCommand(['node', 'tools/build.ts', '--install', join(context, 'build/homeport')], {
    output: 'capture',
  })
  if (built.code !== 0) throw new Error(built.text)
  for (const path of ['Containerfile', '.dockerignore']) {
    await cp(join(ROOT, path), join(context, path), { recursive: true })
  }
  await engine.sh(`docker import '${await baseImage()}' base`)
  await engine.sh(`docker build --build-arg BASE=base -t '${image}' -f '${context}/Containerfile' '${context}'`)
}

async function docker(namespace: Namespace) {
  const dockerd = await startDockerd(namespace, { dockerd: program('dockerd-20'), bridge: true })
  return {
    env: dockerd.env,
    trust: async (host: string, ca: string) => await dockerd.trust(ca, host),
  }
}

async function podman(namespace: Namespace) {
  const home = await makeContainersHome(namespace.folder.at('containers'), 'overlay')
  return { env: home.env, trust: home.trust }
}
