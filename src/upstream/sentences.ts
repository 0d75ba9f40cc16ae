import type { Failure, Hop, Wrong } from './upstream.ts'

/**
 * What a failure is called to people, the same in answers, logs and `why`: what was tried, by which way, what came back,
 * and what to do.
 */
export function sentenceOf(failure: Failure): string {
  return `${triedOf(failure)}: ${cameOf(failure)}; ${remedyOf(failure)}`
}

const ASKED: Readonly<Record<Hop, string>> = {
  dns: 'was to be asked',
  connect: 'was to be asked',
  proxy: 'was to be asked',
  tls: 'was to be asked',
  token: 'was asked for a token',
  manifest: 'was asked for a manifest',
  blob: 'was asked for a blob',
  cdn: 'was asked where it redirects to,',
  tags: 'was asked for tags',
  referrers: 'was asked for referrers',
}

function triedOf({ upstream, hop, host, route }: Failure): string {
  const at = host === upstream && hop !== 'cdn' ? '' : ` at ${host}`
  return `${upstream} ${ASKED[hop]}${at} ${route === 'direct' ? 'directly' : `through ${route}`}`
}

function cameOf(failure: Failure): string {
  const { cause, host, status, facts } = failure
  const code = facts.code === undefined ? '' : ` (${facts.code})`
  switch (cause) {
    case 'name-not-resolved':
      return `the name ${facts.proxy ?? host} was not resolved${code}`
    case 'connection-refused':
      return `${facts.proxy === undefined ? host : `the proxy ${facts.proxy}`} takes no connection${code}`
    case 'proxy-refused':
      return proxySaid(failure)
    case 'tls-untrusted':
      return `the certificate${facts.proxy === undefined ? '' : ` of the proxy ${facts.proxy}`} is not trusted${code}${
        facts.issuer === undefined ? '' : `; it is signed by '${facts.issuer}'`
      }`
    case 'credentials-rejected':
      return `it does not take our user name and password (${status ?? 401})${quoted(facts.said)}`
    case 'denied':
      return `it lets us not have it (${status ?? 403})${quoted(facts.said)}`
    case 'blocked':
      return `it answered ${status ?? 403} as no registry does, and is probably blocked at this location${titled(facts.title)}`
    case 'not-found':
      return `it does not have it${quoted(facts.said)}`
    case 'rate-limited':
      return `it has been asked too often (${status ?? 429})${quoted(facts.said)}`
    case 'upstream-broken':
      return facts.wrong === undefined
        ? `it answered ${status ?? 'with an error'}${quoted(facts.said)}${titled(facts.title)}`
        : `${CAME[facts.wrong]}${status === undefined ? '' : ` (${status})`}${code}${titled(facts.title)}${quoted(facts.said)}`
    case 'timeout':
      return `${silent(failure)} ${facts.waited === undefined ? 'in time' : `within ${seconds(facts.waited)}`}`
  }
}

const CAME: Readonly<Record<Wrong, string>> = {
  html: 'a web page came, so this is not a registry (captive portal?)',
  foreign: 'what answered is no registry',
  digest: 'the bytes that came are not those of the digest',
  length: 'it is not as long as was told',
  type: 'it is not of the type that was told',
  encoding: 'it came compressed, which was not asked for',
  json: 'what came cannot be read',
  schema1: 'the image is of Docker schema 1, which no current client reads',
  realm: 'it sends us for a token to where nobody is asked',
  redirect: 'it redirects to where nobody follows',
  'too-large': 'what came is larger than is taken',
  http: 'what came is no right HTTP',
  tls: 'no secure connection came about',
  cut: 'the connection was cut',
}

function silent({ hop, host, facts: { proxy } }: Failure): string {
  if (hop === 'connect') return `${proxy === undefined ? host : `the proxy ${proxy}`} took no connection`
  return proxy === undefined ? 'nothing came' : `the proxy ${proxy} answered nothing`
}

function proxySaid({ status, facts }: Failure): string {
  const who = facts.proxy === undefined ? 'the proxy' : `the proxy ${facts.proxy}`
  if (status === undefined) return `${who} ended the connection${facts.code === undefined ? '' : ` (${facts.code})`}`
  return `${who} answered ${status}${facts.scheme === undefined ? '' : ` (${facts.scheme})`}`
}

/** What an operator can do about it. */
export function remedyOf({ cause, upstream, route, hop, status, facts, at }: Failure): string {
  const through = route !== 'direct'
  switch (cause) {
    case 'name-not-resolved':
      return through && facts.proxy === undefined
        ? 'see whether the resolver works; a route socks5h:// has the proxy resolve names'
        : 'see whether the name is right and the resolver works'
    case 'connection-refused':
      return facts.proxy !== undefined || through
        ? 'see whether the proxy runs, and whether its address is right; more routes may be listed'
        : 'see whether it runs and a firewall lets us out; egress.routes lists proxies to go through'
    case 'proxy-refused':
      if (status === 407 || status === 401)
        return 'set the right user name and password in the address of the proxy: http://USER:PASSWORD@HOST:PORT'
      return status === 403
        ? `have the proxy allow it, or list another route in egress.routes or upstreams.${upstream}.routes`
        : 'see what the proxy logs, or list another route'
    case 'tls-untrusted':
      return `if a proxy inspects TLS, set its certificate as egress.ca or upstreams.${upstream}.ca`
    case 'credentials-rejected':
      return `set the right upstreams.${upstream}.username and password, or those of proxy`
    case 'denied':
      return facts.realm !== undefined
        ? `our user name was not sent to ${facts.realm}; if that is its token server, add it to upstreams.${upstream}.realms`
        : `see whether the name is right; if it is private, set upstreams.${upstream}.username and password`
    case 'blocked':
      return `list a route that leads out elsewhere, in egress.routes or upstreams.${upstream}.routes`
    case 'not-found':
      return 'see whether name and tag are right'
    case 'rate-limited':
      return `${facts.retryAt === undefined ? 'wait' : `it is asked again in ${seconds(facts.retryAt - at)}`}; an account (upstreams.${upstream}.username) may pull more`
    case 'upstream-broken':
      return facts.wrong === undefined
        ? 'wait, or ask whoever runs it'
        : (TODO[facts.wrong] ?? 'try again, or list another route')
    case 'timeout':
      return `try again, for it goes on behind${hop === 'proxy' || through ? '; see whether the proxy works, or list another route' : ''}`
  }
}

const TODO: Partial<Readonly<Record<Wrong, string>>> = {
  html: 'sign in at the portal, or list a route around it',
  foreign: 'see whether its url is right and no proxy answers in its place',
  schema1: 'build the image anew with a current tool',
  realm: 'see whether its url is right; it must be https where the registry is',
  redirect: 'see whether its url is right and no proxy answers in its place',
  'too-large': 'ask whoever made it',
  type: 'ask whoever runs it',
  json: 'ask whoever runs it',
}

function quoted(said: string | undefined): string {
  return said === undefined || said === '' ? '' : `: '${said}'`
}

function titled(title: string | undefined): string {
  return title === undefined ? '' : `; the page says '${title}'`
}

function seconds(ms: number): string {
  const whole = Math.max(Math.round(ms / 1_000), 1)
  if (whole < 120) return `${whole} s`
  return whole < 7_200 ? `${Math.round(whole / 60)} min` : `${Math.round(whole / 3_600)} h`
}
