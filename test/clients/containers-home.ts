import { chmod, cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A home for the programs that stand on the containers libraries (skopeo, podman, buildah): accounts, policy, storage
 * and all else that they would look for in `/etc`, `/run` and `/var`.
 */
export interface ContainersHome {
  readonly env: Readonly<Record<string, string>>
  /** Puts the authority where these programs look for one of this registry alone. */
  trust(host: string, ca: string): Promise<void>
}

/**
 * What `podman run` needs where a container may not do all that root may: a runtime that takes any cgroup hierarchy, no
 * systemd, and no more open files and processes than we may have ourselves.
 */
const CONTAINERS_CONF = (folder: string) => `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "${folder}/tmp"
[network]
network_config_dir = "${folder}/networks"
`

/** `vfs` copies where `overlay` mounts: slow with large images, and works without root. */
type Driver = 'vfs' | 'overlay'

const STORAGE_CONF = (folder: string, driver: Driver) => `
[storage]
driver = "${driver}"
graphroot = "${folder}/graph"
runroot = "${folder}/run"
`

export async function makeContainersHome(folder: string, driver: Driver = 'vfs'): Promise<ContainersHome> {
  const configuration = join(folder, '.config/containers')
  await mkdir(configuration, { recursive: true })
  const write = async (name: string, text: string) => {
    const path = join(configuration, name)
    await writeFile(path, text)
    return path
  }
  await write('policy.json', '{ "default": [{ "type": "insecureAcceptAnything" }] }')
  // `login` makes this file; `pull` before it wants one.
  const accounts = join(folder, 'auth.json')
  await writeFile(accounts, '{}')
  const tmp = join(folder, 'tmp')
  await mkdir(tmp)
  return {
    env: {
      HOME: folder,
      TMPDIR: tmp,
      XDG_CONFIG_HOME: join(folder, '.config'),
      XDG_RUNTIME_DIR: tmp,
      REGISTRY_AUTH_FILE: accounts,
      CONTAINERS_CONF: await write('containers.conf', CONTAINERS_CONF(folder)),
      CONTAINERS_STORAGE_CONF: await write('storage.conf', STORAGE_CONF(folder, driver)),
      CONTAINERS_REGISTRIES_CONF: await write('registries.conf', ''),
    },
    async trust(host, ca) {
      const place = join(configuration, 'certs.d', host)
      await mkdir(place, { recursive: true })
      await cp(ca, join(place, 'ca.crt'))
      await chmod(join(place, 'ca.crt'), 0o644)
    },
  }
}
