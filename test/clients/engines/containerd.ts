import { writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Namespace } from '../../helpers/namespace.ts'
import { HOST } from './lab.ts'

/** Where hosts.toml files lie, a folder for each registry. */
export const HOSTS_DIR = '/etc/containerd/certs.d'

export interface ContainerdOptions {
  /** Path of the daemon. Its shim is looked for beside it, then among Debian's. */
  readonly containerd: string
  /** config.toml, but for where its own files are. */
  readonly config?: string
}

export interface Containerd {
  /** Where it listens, as a path. */
  readonly socket: string
}

/** Starts containerd, and resolves when it answers. It ends with the namespace. */
export async function startContainerd(
  namespace: Namespace,
  { containerd, config = 'version = 2' }: ContainerdOptions,
): Promise<Containerd> {
  const { folder } = namespace
  const socket = folder.at('containerd.sock')
  await writeFile(folder.at('containerd.toml'), `${config}\n[grpc]\naddress = '${socket}'\n`)
  const daemon = namespace.start(
    containerd,
    [
      ...[
        '--config',
        folder.at('containerd.toml'),
        '--root',
        folder.at('containerd'),
        '--state',
        folder.at('containerd-state'),
      ],
    ],
    { env: { PATH: `${dirname(containerd)}:/usr/sbin:/usr/bin:/sbin:/bin` } },
  )
  await daemon.output(/containerd successfully booted/, 60_000)
  return { socket }
}

/** Makes containerd trust an authority for `HOST`; no restart is needed. containerd 1.6 takes no file without `host`. */
export async function writeHostsToml(namespace: Namespace, ca: string): Promise<void> {
  await namespace.write(`${HOSTS_DIR}/${HOST}/hosts.toml`, `[host."https://${HOST}"]\nca = "${ca}"\n`)
}
