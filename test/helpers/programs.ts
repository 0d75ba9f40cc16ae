import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { goTargetFolder } from '../../tools/go/cache-folder.ts'
import type { GoTargetName } from '../../tools/go/targets.ts'

/** An external program that tests start, and where it comes from. */
type Program = { readonly needsRoot?: true } & (
  | { readonly path: string; readonly package: string }
  | { readonly goTarget: GoTargetName; readonly file?: string }
)

/**
 * Every external program that tests start. Debian's are named by their whole path, because another program of that name
 * may come first on the PATH. `test/tooling/packages.test.ts` holds that each package is right, and is installed.
 */
export const PROGRAMS = {
  sh: { path: '/bin/sh', package: 'dash' },
  tar: { path: '/bin/tar', package: 'tar' },
  sleep: { path: '/bin/sleep', package: 'coreutils' },
  dirname: { path: '/usr/bin/dirname', package: 'coreutils' },
  readlink: { path: '/bin/readlink', package: 'coreutils' },
  uname: { path: '/bin/uname', package: 'coreutils' },
  dpkg: { path: '/usr/bin/dpkg', package: 'dpkg' },
  sync: { path: '/bin/sync', package: 'coreutils' },
  cat: { path: '/bin/cat', package: 'coreutils' },
  mkfifo: { path: '/usr/bin/mkfifo', package: 'coreutils' },
  openssl: { path: '/usr/bin/openssl', package: 'openssl' },
  curl: { path: '/usr/bin/curl', package: 'curl' },
  htpasswd: { path: '/usr/bin/htpasswd', package: 'apache2-utils' },
  strace: { path: '/usr/bin/strace', package: 'strace', needsRoot: true },
  gcc: { path: '/usr/bin/gcc', package: 'gcc' },
  ip: { path: '/bin/ip', package: 'iproute2', needsRoot: true },
  mount: { path: '/bin/mount', package: 'mount', needsRoot: true },
  'apt-get': { path: '/usr/bin/apt-get', package: 'apt' },
  debootstrap: { path: '/usr/sbin/debootstrap', package: 'debootstrap', needsRoot: true },
  script: { path: '/usr/bin/script', package: 'bsdutils' },
  'mkfs.ext4': { path: '/sbin/mkfs.ext4', package: 'e2fsprogs', needsRoot: true },
  unshare: { path: '/usr/bin/unshare', package: 'util-linux', needsRoot: true },
  nft: { path: '/usr/sbin/nft', package: 'nftables', needsRoot: true },
  nsenter: { path: '/usr/bin/nsenter', package: 'util-linux', needsRoot: true },
  'docker-registry': { path: '/usr/bin/docker-registry', package: 'docker-registry' },
  squid: { path: '/usr/sbin/squid', package: 'squid' },
  basic_ncsa_auth: { path: '/usr/lib/squid/basic_ncsa_auth', package: 'squid' },
  tinyproxy: { path: '/usr/bin/tinyproxy', package: 'tinyproxy-bin' },
  microsocks: { path: '/usr/bin/microsocks', package: 'microsocks' },
  danted: { path: '/usr/sbin/danted', package: 'dante-server', needsRoot: true },
  nginx: { path: '/usr/sbin/nginx', package: 'nginx' },
  caddy: { path: '/usr/bin/caddy', package: 'caddy' },
  wrk: { path: '/usr/bin/wrk', package: 'wrk' },
  skopeo: { path: '/usr/bin/skopeo', package: 'skopeo' },
  podman: { path: '/usr/bin/podman', package: 'podman', needsRoot: true },
  buildah: { path: '/usr/bin/buildah', package: 'buildah', needsRoot: true },
  docker: { path: '/usr/bin/docker', package: 'docker.io', needsRoot: true },
  'dockerd-20': { path: '/usr/sbin/dockerd', package: 'docker.io', needsRoot: true },
  'containerd-1.6': { path: '/usr/bin/containerd', package: 'containerd', needsRoot: true },
  'ctr-1.6': { path: '/usr/bin/ctr', package: 'containerd', needsRoot: true },
  'dockerd-29': { goTarget: 'dockerd', file: 'dockerd', needsRoot: true },
  'containerd-2.4': { goTarget: 'containerd', file: 'containerd', needsRoot: true },
  'ctr-2.4': { goTarget: 'containerd', file: 'ctr', needsRoot: true },
  crictl: { goTarget: 'crictl' },
  etcd: { goTarget: 'etcd' },
  kubelet: { goTarget: 'kubernetes', needsRoot: true },
  'kube-apiserver': { goTarget: 'kubernetes' },
  'kube-controller-manager': { goTarget: 'kubernetes' },
  'kube-scheduler': { goTarget: 'kubernetes' },
  kubectl: { goTarget: 'kubernetes' },
  runc: { path: '/usr/sbin/runc', package: 'runc', needsRoot: true },
  'cni-bridge': { path: '/usr/lib/cni/bridge', package: 'containernetworking-plugins', needsRoot: true },
  crane: { goTarget: 'crane' },
  regctl: { goTarget: 'regctl' },
  oras: { goTarget: 'oras' },
  helm: { goTarget: 'helm' },
  cosign: { goTarget: 'cosign' },
  registry3: { goTarget: 'registry3' },
  conformance: { goTarget: 'conformance' },
  'conformance-2023': { goTarget: 'conformance-2023' },
} as const satisfies Readonly<Record<string, Program>>

export type ProgramName = keyof typeof PROGRAMS

/** Where a program is started from. Throws with the remedy where it is not there. */
export function program(name: ProgramName): string {
  const path = placeOf(name)
  if (!isExecutable(path)) throw new Error(`${name} is not installed: ${remedyFor(name)}`)
  return path
}

/**
 * The option of a test that starts these programs: `test('…', needs('skopeo'), async () => { … program('skopeo') … })`.
 *
 * Where one is missing, or we are not root and it needs that, the test is skipped with the reason. Under `CI` nothing is
 * skipped: the test runs, and fails.
 */
export function needs(...names: readonly ProgramName[]): { readonly skip?: string } {
  if (process.env['CI']) return {}
  for (const name of names) {
    if (!isExecutable(placeOf(name))) return { skip: `${name} is not installed: ${remedyFor(name)}` }
    if (isForRoot(name) && process.getuid?.() !== 0) return { skip: `${name} needs root` }
  }
  return {}
}

function placeOf(name: ProgramName): string {
  const found: Program = PROGRAMS[name]
  return 'path' in found ? found.path : join(goTargetFolder(found.goTarget), found.file ?? name)
}

function remedyFor(name: ProgramName): string {
  const found: Program = PROGRAMS[name]
  return 'path' in found ? `apt-get install ${found.package}` : `node tools/go-tools.ts ${found.goTarget}`
}

function isForRoot(name: ProgramName): boolean {
  const found: Program = PROGRAMS[name]
  return found.needsRoot === true
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
