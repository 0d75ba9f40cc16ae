/** One `go install` or build of a real client or peer that Debian lacks, or has too old. */
export interface GoTarget {
  readonly version: string
  /** What stands in its folder afterwards. */
  readonly programs: readonly string[]
  /** Packages for `go install`, each at `version`. */
  readonly install?: readonly string[]
  /** A module of ours in `sources/`, built as its go.sum has it; the one program is linked under every name. */
  readonly source?: string
  /** A module (at `version`) whose tests are the program. */
  readonly testBinaryOf?: string
  /** What `go install` calls it, where we call it something else. */
  readonly renamed?: Readonly<Record<string, string>>
}

/** Quick ones first, so that an early end leaves much. Cold, on two cores, they take from 8 s (oras) to 2 min (helm). */
export const GO_TARGETS = {
  'conformance-2023': {
    version: 'v0.0.0-20231101194043-f2182352d4cc',
    programs: ['conformance-2023'],
    testBinaryOf: 'github.com/opencontainers/distribution-spec/conformance',
  },
  conformance: {
    version: 'v0.0.0-20260831232431-97274622c111',
    programs: ['conformance'],
    install: ['github.com/opencontainers/distribution-spec/conformance'],
  },
  oras: { version: 'v1.3.6', programs: ['oras'], install: ['oras.land/oras/cmd/oras'] },
  regctl: { version: 'v0.11.7', programs: ['regctl'], install: ['github.com/regclient/regclient/cmd/regctl'] },
  crane: { version: 'v0.22.1', programs: ['crane'], install: ['github.com/google/go-containerregistry/cmd/crane'] },
  crictl: { version: 'v1.37.0', programs: ['crictl'], install: ['sigs.k8s.io/cri-tools/cmd/crictl'] },
  // One folder, because containerd looks for its shim on the PATH.
  containerd: {
    version: 'v2.4.2',
    programs: ['containerd', 'ctr', 'containerd-shim-runc-v2'],
    install: [
      'github.com/containerd/containerd/v2/cmd/containerd',
      'github.com/containerd/containerd/v2/cmd/ctr',
      'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
    ],
  },
  // Docker Engine 29. It needs the containerd above beside it.
  dockerd: { version: 'v2.0.0-beta.24', programs: ['dockerd'], install: ['github.com/moby/moby/v2/cmd/dockerd'] },
  registry3: {
    version: 'v3.1.1',
    programs: ['registry3'],
    install: ['github.com/distribution/distribution/v3/cmd/registry'],
    renamed: { registry: 'registry3' },
  },
  cosign: { version: 'v3.1.3', programs: ['cosign'], install: ['github.com/sigstore/cosign/v3/cmd/cosign'] },
  etcd: { version: 'v3.6.13', programs: ['etcd'], source: 'etcd' },
  // All of Kubernetes in one program; its name says which. Five minutes.
  kubernetes: {
    version: 'v1.34.4',
    programs: ['kubelet', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'],
    source: 'kubernetes',
  },
  helm: { version: 'v4.3.1', programs: ['helm'], install: ['helm.sh/helm/v4/cmd/helm'] },
} as const satisfies Readonly<Record<string, GoTarget>>

export type GoTargetName = keyof typeof GO_TARGETS
