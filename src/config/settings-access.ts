import * as z from 'zod'
import { isAddressRange } from '../base/address-range.ts'
import { namePatternProblem } from '../base/name-pattern.ts'
import { named, oneOf, setting, text } from './setting.ts'

const ACCOUNT = /^[^:\p{Cc}]+$/u

const account = text.regex(ACCOUNT, { error: 'must be the name of a user, without a colon' })

/** `anonymous`, a user, or `group:NAME`. */
const one = text.refine((value) => value === 'anonymous' || ACCOUNT.test(value.replace(/^group:/, '')), {
  error: 'must be a user, group:NAME, or anonymous',
})

const who = named(
  'text, or list of texts',
  z.union([one, z.array(one).min(1, { error: 'must name somebody' })], {
    error: 'must be a user, group:NAME, or anonymous, or a list of these',
  }),
)

const network = text.refine(isAddressRange, { error: 'must be an IP address, or a network like 192.168.0.0/16' })

const repositoryPattern = text.superRefine((value, context) => {
  const problem = namePatternProblem(value)
  if (problem === undefined) return
  context.addIssue({ code: 'custom', message: `must be a pattern of repositories, like apps/**: it ${problem}` })
})

const rule = z.strictObject({
  who: setting('Whom it lets: a user, `group:NAME`, or `anonymous`, which is everybody. One, or a list.', who),
  from: setting(
    'Networks that he has to come from. Without: everywhere.',
    named(
      'list of networks',
      z.array(network, { error: 'must be a list of networks' }).min(1, { error: 'must name a network' }).optional(),
    ),
  ),
  may: setting(
    'What he may do. Each stands for itself: who pushes images with docker needs `pull` too.',
    named(
      'list of `pull`, `push`, `delete`, `admin`',
      z
        .array(oneOf(['pull', 'push', 'delete', 'admin']), { error: 'must be a list of pull, push, delete and admin' })
        .min(1, { error: 'must name an action' }),
    ),
  ),
  repositories: setting(
    'Where, by pattern: `*` is any text within a component, `**` any number of components. Without: everywhere.',
    named(
      'list of patterns',
      z
        .array(repositoryPattern, { error: 'must be a list of patterns' })
        .min(1, { error: 'must name a repository' })
        .optional(),
    ),
  ),
})

/** `groups`: users by the name of a group. */
export const groups = z
  .record(account, named('list of users', z.array(account, { error: 'must be a list of users' })), {
    error: 'must be lists of users, by the names of groups',
  })
  .optional()

/** `access`: who may do what. Rules only grant, and add up. */
export const access = z.array(rule, { error: 'must be a list of rules' }).optional()

type Who = string | readonly string[]

interface AccessSections {
  readonly access?: readonly { readonly who: Who }[] | undefined
  readonly groups?: Readonly<Record<string, unknown>> | undefined
}

/** Groups that a rule names and nobody made. */
export function unknownGroups({ access: rules = [], groups: made = {} }: AccessSections) {
  const names = Object.keys(made)
  const message = `must be a group that groups has (${names.length === 0 ? 'it has none' : names.join(', ')})`
  const isUnknown = (name: string) => name.startsWith('group:') && !names.includes(name.slice('group:'.length))
  return rules.flatMap(({ who }, rule) => {
    const at = ['access', rule, 'who']
    if (typeof who === 'string') return isUnknown(who) ? [{ path: at, message }] : []
    return who.flatMap((name, index) => (isUnknown(name) ? [{ path: [...at, index], message }] : []))
  })
}
