import { hashPassword } from '../auth/hash-password.ts'
import { parseHtpasswd } from '../auth/htpasswd.ts'
import { accountProblem, accountsIn, passwordProblem, withoutUser, withUser } from '../auth/htpasswd-edit.ts'
import { changeHtpasswd, isThere, refuseUnwritable, textOfHtpasswd } from '../auth/htpasswd-write.ts'
import { OperatorError } from '../base/operator-error.ts'
import { Secret } from '../base/secret.ts'
import type { Call, Command, Option } from './command.ts'
import { configOf, LENIENT, type Which } from './find-config.ts'
import { SecretPrompt } from './prompt.ts'

const WHERE: Readonly<Record<string, Option>> = {
  file: { value: 'FILE', help: 'The htpasswd file. Default: auth.htpasswd.path of the configuration' },
  config: { value: 'FILE', help: 'The configuration that names it. Default: the one that the server takes' },
  ...LENIENT,
}

const PASSWORD: Readonly<Record<string, Option>> = {
  stdin: { help: 'Read the password from standard input: one line, for scripts' },
}

const userAdd: Command = {
  name: 'user add',
  summary: 'Add a user to the htpasswd file; asks for the password',
  arguments: ['<NAME>'],
  data: 'nothing',
  options: { ...WHERE, ...PASSWORD },

  run: (call) => changePassword(call, refuseKnown, 'may sign in'),
}

const userPasswd: Command = {
  name: 'user passwd',
  summary: 'Give a user of the htpasswd file another password; asks for it',
  arguments: ['<NAME>'],
  data: 'nothing',
  options: { ...WHERE, ...PASSWORD },

  run: (call) => changePassword(call, refuseUnknown, 'has another password'),
}

const userRemove: Command = {
  name: 'user remove',
  summary: 'Take a user out of the htpasswd file',
  arguments: ['<NAME>'],
  data: 'nothing',
  options: WHERE,

  async run(call) {
    const { args, terminal } = call
    const [name = ''] = args
    const path = pathOf(call)
    const how = await changeHtpasswd(path, (text) => {
      refuseUnknown(text, { path, name })
      return withoutUser(text, name)
    })
    terminal.note(`'${name}' may no longer sign in; a running server knows within three seconds${said(how)}`)
    return 0
  },
}

const userList: Command = {
  name: 'user list',
  summary: 'List the users of the htpasswd file, and its lines that let nobody in',
  data: 'nothing',
  options: WHERE,

  async run(call) {
    const { terminal } = call
    const path = pathOf(call)
    const { users, leftOut } = parseHtpasswd(textOfHtpasswd(path))
    for (const user of users.keys()) terminal.row({ user })
    if (users.size === 0)
      terminal.note(`'${path}' ${isThere(path) ? 'has no user' : 'is not there'}: nobody can sign in`)
    for (const { line, because } of leftOut) terminal.note(`line ${line} of '${path}' lets nobody in: ${because}`)
    return 0
  },
}

export const USER_COMMANDS: readonly Command[] = [userAdd, userPasswd, userRemove, userList]

function openCall(call: Call) {
  const [name = ''] = call.args
  const problem = accountProblem(name)
  if (problem !== undefined) throw new OperatorError(`'${name}' is no name for a user: ${problem}`)
  return { name, path: pathOf(call), terminal: call.terminal }
}

function pathOf({ options }: Call): string {
  const { file, config, lenient } = options
  if (typeof file === 'string') return file
  const which = { file: typeof config === 'string' ? config : undefined, lenient: lenient === true }
  const path = settingsOf(which).auth?.htpasswd?.path
  if (path !== undefined) return path
  throw new OperatorError('The configuration names no file of users', 'set auth.htpasswd.path, or name it with --file')
}

function settingsOf(which: Omit<Which, 'quickstart'>) {
  try {
    return configOf({ ...which, quickstart: false })
  } catch (error) {
    if (which.file !== undefined || !(error instanceof OperatorError)) throw error
    throw new OperatorError(error.message, 'name the htpasswd file with --file, or the configuration with --config')
  }
}

/** Asks for a password, and gives it to the user. `refuse` looks before he types, and again when it is written. */
async function changePassword(call: Call, refuse: typeof refuseKnown, done: string): Promise<number> {
  const { path, name, terminal } = openCall(call)
  refuse(textOfHtpasswd(path), { path, name })
  refuseUnwritable(path)
  const hash = await hashPassword(await newPassword(call, name))
  const how = await changeHtpasswd(path, (text) => {
    refuse(text, { path, name })
    return withUser(text, name, hash)
  })
  terminal.note(`'${name}' ${done}; a running server knows within three seconds${said(how)}`)
  return 0
}

interface UserOf {
  readonly path: string
  readonly name: string
}

function refuseKnown(text: string, { path, name }: UserOf): void {
  if (!accountsIn(text).has(name)) return
  throw new OperatorError(`'${name}' is in '${path}' already`, `give another password: homeport user passwd ${name}`)
}

function refuseUnknown(text: string, { path, name }: UserOf): void {
  if (accountsIn(text).has(name)) return
  throw new OperatorError(`'${name}' is not in '${path}'`, 'see who is: homeport user list')
}

function said(how: 'replaced' | 'in place'): string {
  return how === 'replaced' ? '' : ' (the file was written in place: nothing can be put in its place)'
}

async function newPassword(call: Call, name: string): Promise<Secret> {
  const password = call.options['stdin'] === true ? await passwordFromStdin() : await askTwice(call, name)
  const problem = passwordProblem(password.reveal())
  if (problem !== undefined) throw new OperatorError(`That cannot be the password of '${name}': ${problem}`)
  return password
}

async function askTwice({ signal }: Call, name: string): Promise<Secret> {
  if (!process.stdin.isTTY) {
    throw new OperatorError(
      'There is no terminal to ask for the password on',
      'pipe it in with --stdin; docker exec needs -it to have one',
    )
  }
  const interrupt = () => process.kill(process.pid, 'SIGINT')
  using prompt = new SecretPrompt({ input: process.stdin, output: process.stderr, signal, interrupt })
  const first = await prompt.ask(`Password for '${name}': `)
  const second = await prompt.ask('The same again: ')
  if (first.reveal() === second.reveal()) return first
  throw new OperatorError('The two passwords differ: nothing was changed', 'try again')
}

/** The one line there is, without its end. */
async function passwordFromStdin(): Promise<Secret> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
    return new Secret(text.replace(/\r?\n$/, ''))
  } catch {
    throw new OperatorError('The password on standard input is not UTF-8')
  }
}
