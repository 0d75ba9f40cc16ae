import * as z from 'zod'
import { count, duration, later, onOff, setting, text, texts } from './setting.ts'

const retention = z.array(
  z.strictObject({
    repositories: setting('Which repositories, by pattern.', texts),
    keep: setting(
      'What stays.',
      z.strictObject({
        last: setting('So many tags, the newest.', count.optional()),
        pulledwithin: setting('What somebody pulled in that time.', duration.optional()),
      }),
    ),
  }),
  { error: 'must be a list of rules' },
)

const lab = z.strictObject({
  name: setting('What the lab is called.', text.optional()),
  nodes: setting('Its machines.', z.array(z.unknown()).default([])),
})

/** Sections of what is built later. */
export const laterSections = {
  retention: later('What is let go, and when.', 'nothing is let go yet', retention.optional()),
  ui: later(
    'The web interface.',
    'there is none yet',
    z.strictObject({ enabled: setting('Serves it.', onOff) }).optional(),
  ),
  lab: later('The lab around the registry.', 'nothing is made of it yet', lab.optional()),
}
