import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileOf, parseTrace, stringsOf } from './strace.ts'

const SHOWN = `101 write(25<anon_inode:[eventfd]>, "\\1\\0", 8) = 8
102 mkdir("/data/a b", 0777)     = -1 EEXIST (File exists)
102 fsync(29</data/new> <unfinished ...>
101 write(28<TCP:[127.0.0.1:34939->127.0.0.1:49812]>, "HTTP/1.1 201 Created\\r\\n\\"q\\""..., 155) = 155
102 <... fsync resumed>)              = 0
102 --- SIGWINCH {si_signo=SIGWINCH} ---
102 renameat2(AT_FDCWD</root>, "/data/new", AT_FDCWD</root>, "/data/a/data", 0) = 0
102 mkdir("/data/x", 0777 <unfinished ...>
101 +++ exited with 0 +++
102 <... mkdir resumed>) = 0
103 <... fsync resumed>)              = 0
103 writev(31<TCPv6:[[::1]:5000->[::1]:49812]>, [{iov_base="HTTP/1.1 200", iov_len=12}], 1) = ?
`
const calls = parseTrace(SHOWN)

test('a trace is read call by call, each with where it begins and ends', () => {
  assert.deepEqual(
    calls.map(({ pid, name, result, begin, end }) => [pid, name, result, begin, end]),
    [
      [101, 'write', 8, 0, 0],
      [102, 'mkdir', -1, 1, 1],
      [101, 'write', 155, 3, 3],
      [102, 'fsync', 0, 2, 4],
      [102, 'renameat2', 0, 6, 6],
      [102, 'mkdir', 0, 7, 9],
      [103, 'writev', -1, 11, 11],
    ],
  )
  assert.equal(calls[1]?.error, 'EEXIST')
})

test('descriptors are read as the files and sockets they stand for', () => {
  assert.deepEqual(calls.map(fileOf), [
    'anon_inode:[eventfd]',
    undefined,
    'TCP:[127.0.0.1:34939->127.0.0.1:49812]',
    '/data/new',
    undefined,
    undefined,
    'TCPv6:[[::1]:5000->[::1]:49812]',
  ])
})

test('strings are read from among the arguments', () => {
  assert.deepEqual(calls.slice(1, 6).map(stringsOf), [
    ['/data/a b'],
    ['HTTP/1.1 201 Created\\r\\n\\"q\\"'],
    [],
    ['/data/new', '/data/a/data'],
    ['/data/x'],
  ])
})

test('calls that were under way at the end are shown as failed', () => {
  const cut = parseTrace(`101 fsync(3</a> <unfinished ...>
102 write(28<TCP:[a->b]>, "HTTP/1.1 201"..., 155 <detached ...>
101 <... fsync resumed> <detached ...>`)
  assert.deepEqual(
    cut.map((call) => [call.pid, call.name, fileOf(call), call.result, call.begin, call.end]),
    [
      [101, 'fsync', '/a', -1, 0, Infinity],
      [102, 'write', 'TCP:[a->b]', -1, 1, Infinity],
    ],
  )
})

test('a line that is no call is told', () => {
  assert.throws(() => parseTrace('101 what is this'), /no call: what is this/)
})
