import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHtpasswd } from '../../../src/auth/htpasswd.ts'

// Made by `htpasswd -nbB -C 5 ann secret` of apache2-utils 2.4.
const HASH = '$2y$05$Ak4zuhPM3fCRlEIAaqIm.eSdaXvxbg7YuWjvgrtcv3rFoJj68rmZi'
const OTHER = HASH.replace('Ak4', 'Ak5')

// biome-ignore format: one case a line
const cases: [name: string, text: string, users: Record<string, string>, leftOut: number[]][] = [
  ['a line', `ann:${HASH}\n`, { ann: HASH }, []],
  ['no newline at the end', `ann:${HASH}`, { ann: HASH }, []],
  ['$2a$ and $2b$', `a:${HASH.replace('2y', '2a')}\nb:${HASH.replace('2y', '2b')}`, { a: HASH.replace('2y', '2a'), b: HASH.replace('2y', '2b') }, []],
  ['$2x$', `a:${HASH.replace('2y', '2x')}`, {}, [1]],
  ['CRLF, a byte order mark, blanks and comments', `\ufeffann:${HASH}\r\n\r\n  # bob:${HASH}\r\n \tcid:${OTHER} \r\n`, { ann: HASH, cid: OTHER }, []],
  ['an account twice: the last holds', `ann:${HASH}\nann:${OTHER}\n`, { ann: OTHER }, []],
  ['an account that is a name of a prototype', `__proto__:${HASH}\n`, { ['__proto__']: HASH }, []],
  ['md5, sha, sha-crypt, crypt and plain', `a:$apr1$x$y\nb:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=\nc:$6$x$y\nd:rqXexS6ZhobKA\ne:secret\nann:${HASH}`, { ann: HASH }, [1, 2, 3, 4, 5]],
  ['a hash that is cut short', `ann:${HASH.slice(0, -1)}`, {}, [1]],
  ['a hash with more behind it', `ann:${HASH}:x`, {}, [1]],
  ['a cost that bcrypt has not', `ann:${HASH.replace('$05$', '$03$')}`, {}, [1]],
  ['no colon', `ann\nbob:${HASH}`, { bob: HASH }, [1]],
  ['no account', `:${HASH}`, {}, [1]],
  ['nothing', '', {}, []],
]

for (const [name, text, users, leftOut] of cases) {
  test(`htpasswd: ${name} gives ${Object.keys(users).length} users`, () => {
    const parsed = parseHtpasswd(text)
    assert.deepEqual([...parsed.users], Object.entries(users))
    assert.deepEqual(
      parsed.leftOut.map(({ line }) => line),
      leftOut,
    )
  })
}
