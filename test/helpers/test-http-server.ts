import { readFile } from 'node:fs/promises'
import { BufferPool } from '../../src/http/buffer-pool.ts'
import type { Answer } from '../../src/http/dispatch.ts'
import { type Server, type ServerOptions, startServer } from '../../src/http/server.ts'
import type { CertificateSource } from '../../src/tls/certificate-source.ts'
import { type Certificates, issueCertificate } from './certificates.ts'
import { RawSocket } from './raw-socket.ts'

export interface LogLine {
  readonly level: 'info' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface TestHttpServer extends AsyncDisposable {
  readonly server: Server
  readonly pool: BufferPool
  readonly log: readonly LogLine[]
  connect(): Promise<RawSocket>
  /** The next line that is logged, or the last one that nobody waited for. */
  logged(): Promise<LogLine>
}

/** The real HTTP server in this process, on a free port, over any answers. */
export async function testHttpServer(
  answer: Answer,
  { tls = false, ...times }: { tls?: boolean } & Pick<ServerOptions, 'idleMs' | 'headMs' | 'most'> = {},
): Promise<TestHttpServer> {
  const pool = new BufferPool()
  const log: LogLine[] = []
  let read = 0
  let notify = () => {}
  const write = (level: LogLine['level']) => (fields: LogLine['fields'], message: string) => {
    log.push({ level, message, fields })
    notify()
  }
  const certificates = tls ? await issueCertificate() : undefined
  const server = await startServer({
    address: { host: '127.0.0.1', port: 0 },
    ...{ answer, pool, log: { info: write('info'), error: write('error') } },
    ...times,
    ...(certificates && { tls: { source: await sourceOf(certificates) } }),
  })
  const ca = certificates && (await readFile(certificates.ca, 'utf8'))
  return {
    ...{ server, pool, log },
    connect: () => RawSocket.connect({ port: server.port, ...(ca !== undefined && { ca }) }),
    async logged() {
      while (read >= log.length) await new Promise<void>((resolve) => (notify = resolve))
      const line = log[read]
      read += 1
      if (line === undefined) throw new Error('No line')
      return line
    },
    [Symbol.asyncDispose]: () => server.close(0),
  }
}

/** One that never changes. */
async function sourceOf(paths: Certificates): Promise<CertificateSource> {
  const [certificate, key] = await Promise.all([readFile(paths.certificate), readFile(paths.key)])
  return { current: { certificate, key, clientCas: [] }, onChange() {}, [Symbol.dispose]() {} }
}
