/** Where to listen. Without a host: on every address of this machine. */
export interface ListenAddress {
  readonly host: string | undefined
  /** 0: a free one. */
  readonly port: number
}

/** Reads an address as registry:2 does (Go's `net.Listen`): `:5000`, `localhost:5000`, `[::1]:5000`; else `undefined`. */
export function parseAddress(text: string): ListenAddress | undefined {
  const { v6, name, port } =
    /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<name>[^:[\]\s/]*)):(?<port>\d{1,5})$/.exec(text)?.groups ?? {}
  if (port === undefined || Number(port) > 65_535) return undefined
  return { host: v6 ?? (name === '' ? undefined : name), port: Number(port) }
}

export function formatAddress({ host = '', port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
