import type { Namespace } from '../../helpers/namespace.ts'
import type { Outcome } from '../../helpers/processes.ts'
import { type Containerd, HOSTS_DIR } from './containerd.ts'
import { PASSWORD, USER } from './lab.ts'

/** The command line of containerd. */
export class Ctr {
  readonly #namespace: Namespace
  readonly #command: string
  readonly #containerd: Containerd

  constructor(namespace: Namespace, command: string, containerd: Containerd) {
    this.#namespace = namespace
    this.#command = command
    this.#containerd = containerd
  }

  async images(...args: readonly string[]): Promise<Outcome> {
    const address = ['--address', this.#containerd.socket]
    return await this.#namespace.run(this.#command, [...address, 'images', ...args])
  }

  /** With all platforms, as what is pushed again must have. */
  async pull(image: string, account = signIn(USER, PASSWORD)): Promise<void> {
    await this.images('pull', '--hosts-dir', HOSTS_DIR, ...account, '--all-platforms', image)
  }

  async push(image: string): Promise<void> {
    await this.images('push', '--hosts-dir', HOSTS_DIR, ...signIn(USER, PASSWORD), image)
  }

  /** The digest of an image that it holds. */
  async digestOf(image: string): Promise<string> {
    const { stdout } = await this.images('list', `name==${image}`)
    const [digest] = /sha256:[0-9a-f]{64}/.exec(stdout) ?? []
    if (digest === undefined) throw new Error(`No ${image} in ${stdout}`)
    return digest
  }
}

export function signIn(user: string, password: string): string[] {
  return ['--user', `${user}:${password}`]
}
