import assert from 'node:assert/strict'
import { open, rm, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { runCli } from '../../../src/cli/cli.ts'
import type { Call, Command } from '../../../src/cli/command.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

function command(name: string, run: (call: Call) => Promise<number>, more: Partial<Command> = {}): Command {
  return { name, summary: 'A command', data: 'nothing', options: {}, run, ...more } as Command
}

async function cli(line: string, ...commands: Command[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const stdout = { write: (text: string) => out.push(text) }
  const stderr = { write: (text: string) => err.push(text) }
  const args = line.split(' ').filter((word) => word !== '')
  const code = await runCli(args, { stdout, stderr, ...(commands.length > 0 && { commands }) })
  return { code, out: out.join(''), err: err.join('') }
}

const seen = () => {
  const calls: Pick<Call, 'args' | 'options'>[] = []
  return { calls, run: async ({ args, options }: Call) => calls.push({ args, options }) - 1 }
}

describe('the command line', () => {
  test('hands a command its arguments and options, by the names of its table', async () => {
    const { calls, run } = seen()
    const options = { 'dry-run': { help: 'x' }, as: { help: 'x', value: 'KIND', choices: ['cached', 'hosted'] } }
    const { code } = await cli(
      'gc --dry-run --as cached one two',
      command('gc', run, { arguments: ['[NAME...]'], options }),
    )
    assert.equal(code, 0)
    assert.deepEqual(calls, [{ args: ['one', 'two'], options: { 'dry-run': true, as: 'cached', json: undefined } }])
  })

  test('groups commands whose names have two words', async () => {
    const [one, two, three] = [seen(), seen(), seen()]
    const commands = [
      command('import registry2', one.run),
      command('import tar', two.run),
      command('export registry2', three.run),
    ]
    assert.equal((await cli('import tar', ...commands)).code, 0)
    assert.deepEqual([one.calls.length, two.calls.length, three.calls.length], [0, 1, 0])
  })

  test("ends with the command's code", async () => {
    assert.equal(
      (
        await cli(
          'check',
          command('check', async () => 3),
        )
      ).code,
      3,
    )
  })

  test('tells a mistake of the operator with its hint on a line of its own, and ends with 1', async () => {
    const fail = async () => {
      throw new OperatorError('Port 5000 is in use', 'set http.addr')
    }
    assert.deepEqual(await cli('serve', command('serve', fail)), {
      code: 1,
      out: '',
      err: 'homeport: Port 5000 is in use\n  hint: set http.addr\n',
    })
  })

  test('tells a fault of ours with its stack, and ends with 1', async () => {
    const fail = async () => {
      throw new TypeError('undefined is not a function')
    }
    const { code, err } = await cli('serve', command('serve', fail))
    assert.equal(code, 1)
    assert.match(err, /^homeport: TypeError: undefined is not a function\n {4}at .*cli\.test\.ts/)
  })

  test('prints results as lines of JSON with --json, and with tabs without', async () => {
    const list = command('list', async ({ terminal }) => {
      terminal.row({ name: 'a', size: 1 })
      terminal.note('one')
      return 0
    })
    assert.deepEqual(await cli('list', list), { code: 0, out: 'a\t1\n', err: 'one\n' })
    assert.deepEqual(await cli('list --json', list), { code: 0, out: '{"name":"a","size":1}\n', err: 'one\n' })
  })

  test('asks a command that changes the folder for its configuration', async () => {
    const { err, code } = await cli(
      'gc --config /nonexistent/c.yml',
      command('gc', async () => 0, { data: 'changes' }),
    )
    assert.equal(code, 1)
    assert.match(err, /There is no configuration at '\/nonexistent\/c\.yml'\n {2}hint: /)
    assert.equal(
      (
        await cli(
          'gc --quickstart',
          command('gc', async () => 0, { data: 'changes' }),
        )
      ).code,
      0,
    )
  })

  // biome-ignore format: one case a line
  const misunderstood: [line: string, told: RegExp][] = [
    ['', /^Usage: homeport/],
    ['srve', /^homeport: unknown command 'srve'\n {2}hint: did you mean serve\?\n$/],
    ['serve --nope', /^homeport: unknown option '--nope'\n {2}hint: --help .*\n$/],
    ['serve a b', /too many arguments/],
    ['config', /^Usage: homeport config/],
    ['config chekc', /unknown command 'chekc'/],
  ]
  for (const [line, told] of misunderstood) {
    test(`does not understand 'homeport ${line}', says so on stderr, and ends with 2`, async () => {
      const { code, out, err } = await cli(line)
      assert.equal(code, 2)
      assert.equal(out, '')
      assert.match(err, told)
    })
  }

  test('refuses a value that an option does not have', async () => {
    const options = { as: { help: 'x', value: 'KIND', choices: ['cached', 'hosted'] } }
    const { code, err } = await cli(
      'gc --as other',
      command('gc', async () => 0, { options }),
    )
    assert.equal(code, 2)
    assert.match(err, /'other' is invalid.*cached, hosted/)
  })

  test('prints help and version on stdout, and ends with 0', async () => {
    for (const [line, told] of [
      ['--help', /^Usage: homeport.*serve.*config/s],
      ['serve --help', /^Usage: homeport serve \[options\] \[CONFIG\]/],
      ['--version', /^homeport \d+\.\d+\.\d+\n$/],
      ['version', /^homeport \d+\.\d+\.\d+\nnode 24\.\d+\.\d+\n$/],
      ['version --json', /^{"homeport":".*","node":"24.*"}\n$/],
      ['help', /^Usage: homeport.*\n {2}user {2,}Who may sign in/s],
      ['help serve', /^Usage: homeport serve/],
    ] as const) {
      const { code, out, err } = await cli(line)
      assert.deepEqual([code, err], [0, ''])
      assert.match(out, told)
    }
  })

  test('refuses a configuration that is not there, or named twice', async () => {
    for (const line of ['serve', 'config check']) {
      assert.match((await cli(`${line} /nonexistent/c.yml`)).err, /There is no configuration at/)
      assert.match((await cli(`${line} --quickstart c.yml`)).err, /Both 'c\.yml' and --quickstart/)
    }
  })

  test('takes a configuration with keys that are none for every command, where the server is started so', async () => {
    await using folder = await temporaryFolder()
    const file = folder.at('c.yml')
    const auth = { htpasswd: { path: folder.at('htpasswd') } }
    await writeFile(file, JSON.stringify({ version: 0.1, storage: 'filesystem', http: { addr: ':0' }, auth, quux: 1 }))
    const gc = command('gc', async () => 0, { data: 'changes' })
    for (const [line, commands] of [
      [`gc --config ${file}`, [gc]],
      [`user list --config ${file}`, []],
      [`config check ${file}`, []],
    ] as const) {
      assert.match((await cli(line, ...commands)).err, /quux: is not a setting/)
      assert.equal((await cli(`${line} --lenient`, ...commands)).code, 0)
    }
  })

  test('says of a configuration that its mount alone keeps that it is an old one', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('c.yml'), 'version: 0.1\nstorage: filesystem\nhttp: { addr: 127.0.0.1:0 }\n')
    const handle = await open(folder.at('c.yml'))
    await rm(folder.at('c.yml'))
    const { code, err } = await cli(`config check /proc/self/fd/${handle.fd}`)
    await handle.close()
    assert.equal(code, 0)
    assert.match(err, /was replaced where it is mounted from.*\n {2}hint: restart/)
  })

  test('says of a file of users that is missing, or has none, that nobody can sign in', async () => {
    await using folder = await temporaryFolder()
    const list = async () => (await cli(`user list --file ${folder.at('htpasswd')}`)).err
    assert.match(await list(), /is not there: nobody can sign in/)
    await writeFile(folder.at('htpasswd'), '# soon\n')
    assert.match(await list(), /has no user: nobody can sign in/)
  })

  test('prints the configuration in force', async () => {
    const { code, out } = await cli('config check --quickstart')
    assert.equal(code, 0)
    assert.match(out, /^version: 0\.1\nlog:\n {2}level: info\n.*[^\n]\n$/s)
  })
})
