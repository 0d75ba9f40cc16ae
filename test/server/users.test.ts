import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { type Outcome, run, start } from '../helpers/processes.ts'
import { needs, program } from '../helpers/programs.ts'
import { LAUNCHER } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

/** Made by `htpasswd -nbB -C 5 ann secret` of apache2-utils 2.4. */
const ANN = 'ann:$2y$05$Ak4zuhPM3fCRlEIAaqIm.eSdaXvxbg7YuWjvgrtcv3rFoJj68rmZi\n'

async function homeport(args: string, input: string | Uint8Array = ''): Promise<Outcome> {
  await using child = start(LAUNCHER, args.split(' '), { input })
  return await child.ended
}

suite('homeport user, in a script', () => {
  test('adds, lists, changes and removes, and Apache reads what it wrote', needs('htpasswd'), async () => {
    await using folder = await temporaryFolder()
    const file = folder.at('htpasswd')
    const check = (password: string) => run(program('htpasswd'), ['-vb', file, 'ann', password])
    writeFileSync(file, '# our users\r\nold:$apr1$x$y\r\n')

    assert.equal((await homeport(`user add ann --file ${file} --stdin`, 'first\n')).code, 0)
    assert.match(readFileSync(file, 'utf8'), /^# our users\r\nold:\$apr1\$x\$y\r\nann:\$2y\$10\$[./A-Za-z0-9]{53}\r\n$/)
    await check('first')

    assert.equal((await homeport(`user passwd ann --file ${file} --stdin`, 'second one')).code, 0)
    await check('second one')
    await assert.rejects(check('first'))

    const listed = await homeport(`user list --file ${file} --json`)
    assert.equal(listed.stdout, '{"user":"ann"}\n')
    assert.match(listed.stderr, /line 2 .*not hashed with bcrypt/)

    assert.equal((await homeport(`user remove ann --file ${file}`)).code, 0)
    assert.equal(readFileSync(file, 'utf8'), '# our users\r\nold:$apr1$x$y\r\n')
  })

  test('finds the file in the configuration', async () => {
    await using folder = await temporaryFolder()
    const config = { version: 0.1, storage: { filesystem: {} }, http: { addr: ':0' } }
    const auth = { htpasswd: { realm: 'x', path: folder.at('htpasswd') } }
    writeFileSync(folder.at('config.yml'), JSON.stringify({ ...config, auth }))
    assert.equal((await homeport(`user add ann --config ${folder.at('config.yml')} --stdin`, 'x')).code, 0)
    assert.match(readFileSync(folder.at('htpasswd'), 'utf8'), /^ann:/)

    writeFileSync(folder.at('config.yml'), JSON.stringify(config))
    const { code, stderr } = await homeport(`user list --config ${folder.at('config.yml')}`)
    assert.equal(code, 1)
    assert.match(stderr, /auth\.htpasswd\.path.*--file/)
  })

  // biome-ignore format: one case a line
  const refused: [name: string, args: string, input: string | Uint8Array, said: RegExp][] = [
    ['a user who is there', 'user add ann --stdin', 'x', /'ann' is in '.*' already\n {2}hint: .*user passwd/],
    ['another password for nobody', 'user passwd bob --stdin', 'x', /'bob' is not in '.*'\n {2}hint: .*user list/],
    ['the removal of nobody', 'user remove bob', '', /'bob' is not in/],
    ['a name with a colon', 'user add a:b --stdin', 'x', /'a:b' is no name for a user: a colon/],
    ['73 bytes', 'user add bob --stdin', 'canary'.padEnd(73, 'x'), /72 bytes of a password, and this one has 73/],
    ['two lines', 'user add bob --stdin', 'canary\ncanary\n', /one line/],
    ['no password', 'user add bob --stdin', '\n', /not empty/],
    ['a password that is not UTF-8', 'user add bob --stdin', Buffer.from([0xff]), /not UTF-8/],
    ['no terminal and no --stdin', 'user add bob', 'canary\n', /no terminal.*\n {2}hint: .*--stdin/],
  ]

  for (const [name, args, input, said] of refused) {
    test(`refuses ${name}, and changes nothing`, async () => {
      await using folder = await temporaryFolder()
      const file = folder.at('htpasswd')
      writeFileSync(file, ANN)
      const { code, stdout, stderr } = await homeport(`${args} --file ${file}`, input)
      assert.equal(code, 1)
      assert.match(stderr, said)
      assert.doesNotMatch(stdout + stderr, /canary/)
      assert.equal(readFileSync(file, 'utf8'), ANN)
    })
  }
})

suite('homeport user, on a terminal', () => {
  /** Under `script`, which gives it a terminal. Answers each prompt when it is there. */
  async function onTerminal(file: string, answers: readonly string[]): Promise<string> {
    const command = `${LAUNCHER} user add ann --file ${file}; echo "code $?"; stty | grep -o -- '-*echo$' || echo echoes`
    await using child = start(program('script'), ['-qec', command, '/dev/null'], { interactive: true })
    for (const [index, answer] of answers.entries()) {
      await child.output(index === 0 ? /Password for 'ann': / : /The same again: /)
      child.write(answer)
    }
    await child.output(/code \d+/)
    return (await child.ended).stdout
  }

  test('asks twice, shows nothing of it, and leaves the terminal as it was', needs('script', 'htpasswd'), async () => {
    await using folder = await temporaryFolder()
    const file = folder.at('htpasswd')
    // A letter that is taken back, and a line that is begun anew.
    const shown = await onTerminal(file, ['wrong\u0015canarz\u007fy\u00e4\r', 'canary\u00e4\r'])
    assert.doesNotMatch(shown, /canar|wrong/)
    assert.match(shown, /code 0/)
    assert.match(shown, /echoes/)
    await run(program('htpasswd'), ['-vb', file, 'ann', 'canary\u00e4'])
  })

  test('changes nothing where the two differ, or Ctrl-C or Ctrl-D is typed', needs('script'), async () => {
    await using folder = await temporaryFolder()
    const file = folder.at('htpasswd')
    writeFileSync(file, '')
    for (const [answers, said] of [
      [['one\r', 'other\r'], /two passwords differ.*code 1/s],
      [['one\r', '\u0003'], /code 130/],
      [['\u0004'], /No password was given.*code 1/s],
    ] as const) {
      const shown = await onTerminal(file, answers)
      assert.match(shown, said)
      assert.match(shown, /echoes/)
    }
    assert.equal(readFileSync(file, 'utf8'), '')
  })
})

test('a file that is a mount of its own is changed in place', needs('unshare', 'mount'), async () => {
  await using folder = await temporaryFolder()
  const [outside, inside] = [folder.at('outside'), folder.at('inside')]
  writeFileSync(outside, `${ANN}# ${'long'.repeat(100)}\n`, { mode: 0o640 })
  writeFileSync(inside, '')
  const change = `${LAUNCHER} user remove ann --file ${inside}; ls -a ${folder.path}`
  const script = `mount --bind ${outside} ${inside} && ${change}`
  const { stdout, stderr } = await run(program('unshare'), ['--mount', program('sh'), '-c', script])
  assert.match(stderr, /written in place/)
  assert.deepEqual(stdout.trim().split('\n'), ['.', '..', 'inside', 'outside'])
  assert.equal(readFileSync(outside, 'utf8'), `# ${'long'.repeat(100)}\n`)
})
