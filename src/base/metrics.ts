import type { Registry } from 'prom-client'

export interface MetricOptions<Label extends string> {
  /** As Prometheus wants them: `registry_http_requests_total`; times in seconds, sizes in bytes. */
  readonly name: string
  readonly help: string
  /** Names of labels. Their values come from closed lists, never from what a client wrote. */
  readonly labels?: readonly Label[]
}

type Labels<Label extends string> = Readonly<Record<Label, string>>

/** Numbers that the operator watches. Each is made once, and fed by the function that making it returns. */
export interface Metrics {
  /** Only rises. */
  counter<Label extends string = never>(options: MetricOptions<Label>): (labels: Labels<Label>, by?: number) => void
  /** Is what it was last set to. */
  gauge<Label extends string = never>(options: MetricOptions<Label>): (labels: Labels<Label>, value: number) => void
  /** How values spread. `buckets`: their upper bounds. */
  histogram<Label extends string = never>(
    options: MetricOptions<Label> & { readonly buckets?: readonly number[] },
  ): (labels: Labels<Label>, value: number) => void
  /** A gauge that is asked for its value when somebody looks. */
  reading(options: MetricOptions<never> & { readonly read: () => number }): void
  /** The same with labels; a set that is not told any more is gone. */
  readings<Label extends string>(
    options: MetricOptions<Label> & { readonly read: () => Iterable<readonly [labels: Labels<Label>, value: number]> },
  ): void
  /** All of them, in Prometheus' text format. */
  text(): Promise<string>
}

/** Where nobody looks: costs nothing. */
export const NO_METRICS: Metrics = {
  counter: () => () => undefined,
  gauge: () => () => undefined,
  histogram: () => () => undefined,
  reading: () => undefined,
  readings: () => undefined,
  text: async () => '',
}

/** Label sets that one metric may have; what comes beyond is counted under `other`, whatever went wrong. */
const MOST_LABEL_SETS = 500

/** Metrics with those of the process and of Node.js among them. What `prom-client` needs is loaded here, and not before. */
export async function openMetrics(): Promise<Metrics> {
  const prometheus = await import('prom-client')
  const registry: Registry = new prometheus.Registry()
  prometheus.collectDefaultMetrics({ register: registry })
  const registers = [registry]

  return {
    counter({ labels = [], ...rest }) {
      const metric = new prometheus.Counter({ ...rest, labelNames: [...labels], registers })
      const childOf = children(labels, (of) => metric.labels(of))
      return (of, by = 1) => childOf(of).inc(by)
    },
    gauge({ labels = [], ...rest }) {
      const metric = new prometheus.Gauge({ ...rest, labelNames: [...labels], registers })
      const childOf = children(labels, (of) => metric.labels(of))
      return (of, value) => childOf(of).set(value)
    },
    histogram({ labels = [], buckets, ...rest }) {
      const bounds = buckets === undefined ? {} : { buckets: [...buckets] }
      const metric = new prometheus.Histogram({ ...rest, ...bounds, labelNames: [...labels], registers })
      const childOf = children(labels, (of) => metric.labels(of))
      return (of, value) => childOf(of).observe(value)
    },
    reading({ name, help, read }) {
      new prometheus.Gauge({
        ...{ name, help, registers },
        collect() {
          this.set(read())
        },
      })
    },
    readings({ name, help, labels = [], read }) {
      new prometheus.Gauge({
        ...{ name, help, registers, labelNames: [...labels] },
        collect() {
          this.reset()
          let left = MOST_LABEL_SETS
          for (const [of, value] of read()) if (left-- > 0) this.set({ ...of }, value)
        },
      })
    },
    text: () => registry.metrics(),
  }
}

/** Finds what belongs to a set of labels, and makes it at first. */
function children<Label extends string, Child>(
  names: readonly Label[],
  make: (labels: Record<Label, string>) => Child,
): (labels: Labels<Label>) => Child {
  const known = new Map<string, Child>()

  return (labels) => {
    const key = names.length === 1 ? labels[names[0] as Label] : names.map((name) => labels[name]).join('\n')
    const found = known.get(key)
    if (found !== undefined) return found
    const full = known.size >= MOST_LABEL_SETS
    const sorted = names.map((name) => [name, full ? 'other' : labels[name]] as const)
    const child = make(Object.fromEntries(sorted) as Record<Label, string>)
    if (!full) known.set(key, child)
    return child
  }
}
