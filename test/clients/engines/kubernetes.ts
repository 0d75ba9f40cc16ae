import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Namespace } from '../../helpers/namespace.ts'
import { type Outcome, type ProcessOptions, run } from '../../helpers/processes.ts'
import { type ProgramName, program } from '../../helpers/programs.ts'
import { HOSTS_DIR, startContainerd } from './containerd.ts'

/** The node, as it and its pods reach it. */
const NODE_ADDRESS = '10.77.0.1'

export const KUBERNETES_PROGRAMS = [
  ...(['etcd', 'kubelet', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const),
  ...(['containerd-2.4', 'runc', 'cni-bridge', 'crictl', 'openssl', 'gcc', 'mount'] as const),
] satisfies readonly ProgramName[]

const API_PORT = 26443
const ETCD = 'http://127.0.0.1:23790'
const ETCD_PEER = 'http://127.0.0.1:23800'

const NETWORK = `
set -eu
ip link add lab0 type bridge
ip address add ${NODE_ADDRESS}/24 dev lab0
ip link set lab0 up
ip route add default dev lab0
echo 1 >/proc/sys/net/ipv4/ip_forward
mkdir -p /etc/cni/net.d /var/log
`

const CNI = {
  cniVersion: '0.4.0',
  name: 'lab',
  plugins: [
    {
      type: 'bridge',
      ...{ bridge: 'cni0', isGateway: true, ipMasq: false },
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.88.0.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'loopback' },
  ],
}

export interface KubernetesOptions {
  /** Image of the sandbox of every pod. */
  readonly pause: string
}

/**
 * A Kubernetes of one node: etcd, API server, controllers, scheduler, kubelet and containerd 2.4, all inside the
 * namespace, with which it ends. Images come as `hosts.toml` files below `HOSTS_DIR` say. Resolves when the node is ready.
 */
export async function startKubernetes(namespace: Namespace, { pause }: KubernetesOptions): Promise<Kubernetes> {
  const { folder } = namespace
  // containerd's, for pods that nobody gave one.
  namespace.owns('k8s.io')
  await namespace.run(program('sh'), ['-c', NETWORK])
  await makeKeys(namespace)
  await namespace.write('/etc/cni/net.d/10-lab.conflist', JSON.stringify(CNI))
  const containerd = await startContainerd(namespace, {
    containerd: program('containerd-2.4'),
    config: `version = 3
[plugins.'io.containerd.cri.v1.images'.registry]
config_path = '${HOSTS_DIR}'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '${pause}'
[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
enable_unprivileged_ports = false
enable_unprivileged_icmp = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['${dirname(program('cni-bridge'))}']
`,
  })
  const cluster = new Kubernetes(namespace, containerd.socket)
  cluster.begin('etcd', [
    ...['--data-dir', folder.at('etcd'), '--unsafe-no-fsync'],
    ...['--listen-client-urls', ETCD, '--advertise-client-urls', ETCD],
    ...['--listen-peer-urls', ETCD_PEER, '--initial-advertise-peer-urls', ETCD_PEER],
    ...['--initial-cluster', `default=${ETCD_PEER}`],
  ])
  cluster.begin('kube-apiserver', [
    ...[`--etcd-servers=${ETCD}`, `--secure-port=${API_PORT}`],
    ...['--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', '--service-cluster-ip-range=10.96.0.0/16'],
    ...[`--tls-cert-file=${folder.at('api.crt')}`, `--tls-private-key-file=${folder.at('api.key')}`],
    ...[`--token-auth-file=${folder.at('tokens.csv')}`, '--authorization-mode=AlwaysAllow'],
    '--service-account-issuer=https://kubernetes.default.svc',
    ...[
      `--service-account-key-file=${folder.at('sa.key')}`,
      `--service-account-signing-key-file=${folder.at('sa.key')}`,
    ],
    `--cert-dir=${folder.at('api-certs')}`,
  ])
  await cluster.until(['get', '--raw', '/readyz'], ({ stdout }) => stdout.includes('ok'))
  const kubeconfig = `--kubeconfig=${folder.at('kubeconfig')}`
  cluster.begin('kube-controller-manager', [
    ...[kubeconfig, `--service-account-private-key-file=${folder.at('sa.key')}`, '--leader-elect=false'],
    ...[`--root-ca-file=${folder.at('ca.crt')}`, '--use-service-account-credentials=false'],
    ...['--bind-address=127.0.0.1', '--secure-port=26257', `--cert-dir=${folder.at('kcm-certs')}`],
  ])
  cluster.begin('kube-scheduler', [
    ...[kubeconfig, '--leader-elect=false'],
    ...['--bind-address=127.0.0.1', '--secure-port=26259', `--cert-dir=${folder.at('sched-certs')}`],
  ])
  cluster.begin('kubelet', [
    ...[kubeconfig, `--config=${folder.at('kubelet.json')}`, '--hostname-override=node1'],
    ...[`--root-dir=${folder.at('kubelet')}`, `--cert-dir=${folder.at('kubelet-certs')}`, `--node-ip=${NODE_ADDRESS}`],
  ])
  await cluster.until(['get', 'node', 'node1', '--no-headers'], ({ stdout }) => /\sReady\s/.test(stdout))
  await cluster.until(['get', 'serviceaccount', 'default'], ({ stdout }) => stdout.includes('default'))
  return cluster
}

async function makeKeys({ folder }: Namespace): Promise<void> {
  const openssl = (...args: string[]) => run(program('openssl'), args, { cwd: folder.path })
  await openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '30'],
    ...['-subj', '/CN=lab-ca'],
  )
  const names = 'subjectAltName=IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes'
  await writeFile(folder.at('names'), names)
  await openssl(
    ...['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'api.key', '-out', 'api.csr', '-subj', '/CN=kube-apiserver'],
  )
  await openssl(
    ...['x509', '-req', '-in', 'api.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-out', 'api.crt', '-days', '30', '-extfile', 'names'],
  )
  await openssl('genrsa', '-out', 'sa.key', '2048')
  await writeFile(folder.at('tokens.csv'), 'labtoken,admin,1,"system:masters"\n')
  const server = `https://127.0.0.1:${API_PORT}`
  await writeFile(
    folder.at('kubeconfig'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'lab', cluster: { server, 'certificate-authority': folder.at('ca.crt') } }],
      users: [{ name: 'admin', user: { token: 'labtoken' } }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'admin' } }],
      'current-context': 'lab',
    }),
  )
  await mkdir(folder.at('kubelet'))
  await writeFile(
    folder.at('kubelet.json'),
    JSON.stringify({
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
      authorization: { mode: 'AlwaysAllow' },
      ...{ cgroupDriver: 'cgroupfs', cgroupsPerQOS: false, enforceNodeAllocatable: [] },
      containerRuntimeEndpoint: `unix://${folder.at('containerd.sock')}`,
      ...{ failSwapOn: false, registerNode: true, imageGCHighThresholdPercent: 100 },
      evictionHard: { 'imagefs.available': '1%', 'nodefs.available': '1%', 'memory.available': '50Mi' },
    }),
  )
}

export class Kubernetes {
  readonly #namespace: Namespace
  readonly #socket: string

  constructor(namespace: Namespace, socket: string) {
    this.#namespace = namespace
    this.#socket = socket
  }

  /** Starts one of its programs, which ends with the namespace. */
  begin(name: ProgramName, args: readonly string[]): void {
    const path = program(name)
    this.#namespace.start(path, args, { env: { PATH: `${dirname(path)}:/usr/sbin:/usr/bin:/sbin:/bin` } })
  }

  async kubectl(args: readonly string[], options: ProcessOptions = {}): Promise<Outcome> {
    const kubeconfig = this.#namespace.folder.at('kubeconfig')
    return await this.#namespace.run(program('kubectl'), ['--kubeconfig', kubeconfig, ...args], options)
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
    await this.kubectl(['apply', '-f', '-'], { input })
  }

  /** As the node's own command sees its images and containers. */
  async crictl(...args: readonly string[]): Promise<Outcome> {
    const endpoints = ['--runtime-endpoint', `unix://${this.#socket}`, '--image-endpoint', `unix://${this.#socket}`]
    return await this.#namespace.run(program('crictl'), [...endpoints, ...args])
  }

  /** Asks again and again until it is so; nothing tells when. */
  async until(args: readonly string[], so: (outcome: Outcome) => boolean, timeoutMs = 120_000): Promise<Outcome> {
    const end = performance.now() + timeoutMs
    for (;;) {
      const outcome = await this.kubectl(args).catch((error: Error) => error)
      if (!(outcome instanceof Error) && so(outcome)) return outcome
      if (performance.now() > end) {
        throw new Error(`Not so within ${timeoutMs} ms: kubectl ${args.join(' ')}`, { cause: outcome })
      }
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}
