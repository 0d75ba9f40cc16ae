import { join } from 'node:path'
import type { Certificates } from '../../test/helpers/certificates.ts'

/** Files over TLS, with Debian's settings (`sendfile`, `tcp_nopush`, a worker for each processor, access log on). */
export function nginxConfig(options: {
  readonly folder: string
  readonly data: string
  readonly certificates: Certificates
  readonly port: number
}): string {
  const { folder, data, certificates, port } = options
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/tmp;`)
  return `
daemon off;
user root;
worker_processes auto;
pid ${join(folder, 'nginx.pid')};
events { worker_connections 768; }
http {
  ${places.join('\n  ')}
  sendfile on;
  tcp_nopush on;
  default_type application/octet-stream;
  access_log ${join(folder, 'access.log')};
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certificates.certificate};
    ssl_certificate_key ${certificates.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:TLS:1m;
    root ${data};
  }
}
`
}
