/** A place in a network. To listen without a host means on every address of this machine. */
export interface TcpAddress {
  readonly host: string | undefined
  /** 0: a free one, where one listens. */
  readonly port: number
}

/** Where to listen: in a network, or on a socket of the file system. */
export type ListenAddress = TcpAddress | { readonly path: string }

/** Reads an address as registry:2 does (Go's `net.Listen`): `:5000`, `localhost:5000`, `[::1]:5000`; else `undefined`. */
export function parseAddress(text: string): TcpAddress | undefined {
  const { v6, name, port } =
    /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<name>[^:[\]\s/]*)):(?<port>\d{1,5})$/.exec(text)?.groups ?? {}
  if (port === undefined || Number(port) > 65_535) return undefined
  return { host: v6 ?? (name === '' ? undefined : name), port: Number(port) }
}

/** The same, or the absolute path of a socket. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  return /^\/[^\0]+$/.test(text) ? { path: text } : parseAddress(text)
}

export function formatAddress(address: ListenAddress): string {
  if ('path' in address) return address.path
  const { host = '', port } = address
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
