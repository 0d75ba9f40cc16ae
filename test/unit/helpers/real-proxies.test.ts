import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issueCertificate } from '../../helpers/certificates.ts'
import { makeImage } from '../../helpers/images.ts'
import { run } from '../../helpers/processes.ts'
import { needs, program } from '../../helpers/programs.ts'
import { PROXY_PROGRAMS, type ProxyKind, startRealProxy } from '../../helpers/real-proxies.ts'
import { startRealUpstream, UPSTREAM_PROGRAMS } from '../../helpers/real-upstream.ts'

const image = makeImage('behind a real proxy')

async function statusBy(proxy: string, { url, ca }: { readonly url: string; readonly ca: string }): Promise<string> {
  const args = ['--silent', '--output', '/dev/null', '--write-out', '%{http_code}/%{http_connect}']
  const path = `${url}/v2/library/a/manifests/1`
  const { stdout } = await run(program('sh'), [
    ...['-c', '"$@" || true', 'sh', program('curl'), ...args, '--noproxy', '', '--cacert', ca, '--proxy', proxy],
    ...['--user', 'ci:hub', '--header', `accept: ${image.manifest.mediaType}`, path],
  ])
  return stdout
}

for (const kind of Object.keys(PROXY_PROGRAMS) as ProxyKind[]) {
  test(
    `${kind} leads to a registry with a private certificate and a password, and tells of it`,
    needs(...PROXY_PROGRAMS[kind], ...UPSTREAM_PROGRAMS, 'curl', 'openssl'),
    async () => {
      const tls = await issueCertificate()
      await using upstream = await startRealUpstream({ images: { 'library/a:1': image }, password: 'hub', tls })
      await using proxy = await startRealProxy(kind)
      const to = { url: upstream.url, ca: tls.ca }
      assert.match(await statusBy(proxy.url({ scheme: 'socks5h' }), to), /^200/)
      if (kind !== 'dante') {
        assert.match(await statusBy(proxy.url({ password: 'wrong' }), to), kind === 'microsocks' ? /^000/ : /407|401/)
      }
      assert.ok((await proxy.targets()).includes(upstream.host), proxy.process.stderr)
    },
  )
}
