/** What Docker Hub is called, by its own clients too. */
const OF_DOCKER_HUB: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/**
 * A registry's one name, of what it is called by: `docker.io` for `Registry-1.Docker.io:443`. Small letters, without the
 * port of https, and one for all that are Docker Hub.
 */
export function registryName(host: string): string {
  const name = host.toLowerCase().replace(/:443$/, '')
  return OF_DOCKER_HUB.has(name) ? 'docker.io' : name
}
