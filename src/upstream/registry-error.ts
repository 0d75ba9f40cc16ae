import { plainText } from './plain-text.ts'

/** What a registry itself says of an error (OCI Distribution, "Error Codes"). */
export interface RegistryError {
  readonly code: string
  /** Code and message, to be shown. */
  readonly said: string
}

/** Reads the first error of a registry's JSON; `undefined`: no registry wrote this. */
export function registryErrorIn(text: string): RegistryError | undefined {
  const json = objectIn(text)
  const errors: unknown = json?.['errors']
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  if (typeof first !== 'object' || first === null) return undefined
  const { code, message } = first as Record<'code' | 'message', unknown>
  if (typeof code !== 'string' || !/^\w{1,64}$/.test(code)) return undefined
  const said = typeof message === 'string' && message !== '' ? `${code}: ${message}` : code
  return { code, said: plainText(said, 200) }
}

/** What token servers say, each in its own words; `undefined`: it is no JSON object. */
export function tokenErrorIn(text: string): string | undefined {
  const json = objectIn(text)
  if (json === undefined) return undefined
  const said = [json['details'], json['message'], json['error_description'], json['error']]
  return plainText(String(said.find((value) => typeof value === 'string') ?? ''), 200)
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
