import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Certificate, CertificateSource } from '../../src/tls/certificate-source.ts'

/** A source, and ways to change what is behind it. */
export interface SourceUnderTest extends AsyncDisposable {
  readonly source: CertificateSource
  /** Puts another certificate there, which can be used, and resolves when the source has had its time. */
  renew(): Promise<void>
  /** Puts one there whose key is another's, and resolves when the source has had its time. */
  spoil(): Promise<void>
}

/** What every `CertificateSource` does. */
export function certificateSourceContract(name: string, open: () => Promise<SourceUnderTest>): void {
  test(`${name}: a new certificate is told once, after it is the current one`, async () => {
    await using opened = await open()
    const { source, renew } = opened
    const before = source.current
    const told: [told: Certificate, current: Certificate][] = []
    source.onChange((certificate) => told.push([certificate, source.current]))
    await renew()
    assert.equal(told.length, 1)
    assert.equal(told[0]?.[0], told[0]?.[1])
    assert.notDeepEqual(source.current.certificate, before.certificate)
  })

  test(`${name}: one that cannot be used is not told, and the old one stays`, async () => {
    await using opened = await open()
    const { source, renew, spoil } = opened
    const told: Certificate[] = []
    source.onChange((certificate) => told.push(certificate))
    const before = source.current
    await spoil()
    assert.deepEqual(told, [])
    assert.equal(source.current, before)
    await renew()
    assert.equal(told.length, 1)
  })

  test(`${name}: a closed source tells nothing more`, async () => {
    await using opened = await open()
    const { source, renew } = opened
    const told: Certificate[] = []
    source.onChange((certificate) => told.push(certificate))
    source[Symbol.dispose]()
    await renew()
    assert.deepEqual(told, [])
  })
}
