import { PROGRAMS } from '../../test/helpers/programs.ts'

/** What the programs of the tests need beside their own packages, without Debian's recommendations. */
const BESIDE = {
  'aardvark-dns': 'podman: names in its networks',
  'ca-certificates': 'Go: fetches modules over TLS',
  crun: 'podman, buildah: run containers',
  iptables: 'dockerd: does not start without',
  'libc6-dev': 'gcc: the headers of C',
  netavark: 'podman: networks',
  uidmap: 'podman, buildah: where they run without root',
} as const

/** The Debian packages that a whole run needs. */
export function debianPackages(): readonly string[] {
  const started = Object.values(PROGRAMS).flatMap((program) => ('package' in program ? [program.package] : []))
  return [...new Set([...started, ...Object.keys(BESIDE)])].sort()
}
