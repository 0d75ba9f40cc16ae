import * as z from 'zod'
import { count, duration, interval, onOff, peerAddress, sentHeaders, setting, text, url } from './setting.ts'

const every = () => setting('How often it is checked. 0: 10s.', interval('10s'))
const timeout = () => setting('How long an answer may take.', duration.prefault('5s'))
const threshold = () => setting('After how many failures in a row it counts.', count.default(0))

/** `health`: what has to hold for requests to be answered. */
export const health = z
  .strictObject({
    storagedriver: z
      .strictObject({
        enabled: setting('Reads the folder, and writes a small file to it, again and again.', onOff.default(false)),
        interval: every(),
        threshold: threshold(),
      })
      .prefault({}),
    file: z
      .array(
        z.strictObject({
          file: setting('Where it is there, the server is not well.', text),
          interval: every(),
        }),
        { error: 'must be a list of checks' },
      )
      .default([]),
    http: z
      .array(
        z.strictObject({
          uri: setting('What is asked.', url),
          headers: setting('Sent with it.', sentHeaders.default({})),
          statuscode: setting('The status that is right.', count.default(200)),
          timeout: timeout(),
          interval: every(),
          threshold: threshold(),
        }),
        { error: 'must be a list of checks' },
      )
      .default([]),
    tcp: z
      .array(
        z.strictObject({
          addr: setting('What is connected to.', peerAddress),
          timeout: timeout(),
          interval: every(),
          threshold: threshold(),
        }),
        { error: 'must be a list of checks' },
      )
      .default([]),
  })
  .prefault({})
