import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EgressError } from '../../../src/egress/egress.ts'
import { type Running, UpstreamFailure } from '../../../src/upstream/upstream.ts'
import {
  BLOCKED,
  HANGS,
  NOT_FOUND,
  proxyWantsPassword,
  refused,
  type Said,
  type Sent,
  scripted,
  TAGS,
  untrusted,
} from './scripted-door.ts'

/** How it stands: `open`, what it came to, or the cause. */
function watch(running: Running<unknown>): { now: string } {
  const state = { now: 'open' }
  running.value.then(
    () => {
      state.now = 'here'
    },
    (error: unknown) => {
      state.now = error instanceof UpstreamFailure ? error.failure.cause : String(error)
    },
  )
  return state
}

const times = (sent: readonly Sent[], route: string) => sent.filter((one) => one.route === route).map(({ at }) => at)

test('what works is asked once, by the first route', async () => {
  await using all = scripted(['a', 'b'], () => TAGS)
  const state = watch(all.ask())
  await all.clock.settle()
  assert.equal(state.now, 'here')
  assert.deepEqual(
    all.door.sent.map(({ route }) => route),
    ['a'],
  )
  assert.equal(all.door.sent[0]?.connectMs, 3_000)
})

for (const [name, fault] of Object.entries({ refused, proxyWantsPassword, untrusted, blocked: () => BLOCKED })) {
  test(`the next route brings it in the same request where the first is ${name}`, async () => {
    await using all = scripted(['a', 'b'], ({ route }) => (route === 'a' ? fault() : TAGS))
    const running = all.ask()
    const state = watch(running)
    await all.clock.settle()
    assert.equal(state.now, 'here')
    assert.deepEqual(
      running.attempts.map(({ route, cause }) => [route, cause === undefined]),
      [
        ['a', false],
        ['b', true],
      ],
    )
    assert.equal(all.upstream.state().failing, undefined)
    assert.equal(all.upstream.state().routes[0]?.failing !== undefined, true)
  })
}

test('the observer is told what is known of a failure though another route brought it; lists of attempts are not', async () => {
  await using all = scripted(['a', 'b'], ({ route }) => (route === 'a' ? proxyWantsPassword() : TAGS))
  const running = all.ask()
  await all.clock.settle()
  assert.deepEqual(
    all.made.map(({ route, facts }) => [route, facts?.proxy]),
    [
      ['a', 'proxy.lan:8080'],
      ['b', undefined],
    ],
  )
  assert.ok(running.attempts.every((made) => !('facts' in made)))
})

test('a route that failed comes last, until it has cooled down', async () => {
  let works = false
  await using all = scripted(['a', 'b'], ({ route }) => (route === 'a' && !works ? refused() : TAGS))
  for (const [wait, expected] of [
    [0, ['a', 'b']],
    [900, ['b']],
    [200, ['a', 'b']],
    [1_500, ['b']],
  ] as const) {
    await all.clock.advance(wait)
    all.door.sent.length = 0
    await all.ask().value
    assert.deepEqual(
      all.door.sent.map(({ route }) => route),
      expected,
      `after ${wait}`,
    )
  }
  works = true
  await all.clock.advance(600)
  await all.ask().value
  assert.equal(all.upstream.state().routes[0]?.failing, undefined)
})

test('a route that is tried again though another works costs no more than a moment, and is heard out', async () => {
  let answer: ((said: Said) => void) | undefined
  let mode: 'refuse' | 'wait' = 'refuse'
  await using all = scripted(['a', 'b'], ({ route }) => {
    if (route === 'b') return TAGS
    if (mode === 'refuse') return refused()
    return new Promise((resolve) => {
      answer = resolve
    })
  })
  await all.ask().value
  mode = 'wait'
  await all.clock.advance(1_100)
  const state = watch(all.ask())
  await all.clock.advance(299)
  assert.equal(state.now, 'open')
  await all.clock.advance(1)
  assert.equal(state.now, 'here')
  answer?.(TAGS)
  await all.clock.settle()
  assert.equal(all.upstream.state().routes[0]?.failing, undefined, 'it works again')
})

test('the second route begins after three seconds of silence, and the first goes on (D-12)', async () => {
  const answers: ((said: Said) => void)[] = []
  await using all = scripted(['a', 'b'], () => new Promise((resolve) => answers.push(resolve)))
  const state = watch(all.ask())
  await all.clock.advance(2_999)
  assert.deepEqual(times(all.door.sent, 'b'), [])
  await all.clock.advance(1)
  assert.deepEqual(times(all.door.sent, 'b'), [3_000])
  answers[0]?.(TAGS)
  await all.clock.settle()
  assert.equal(state.now, 'here')
  assert.equal(all.door.sent[1]?.signal.aborted, true, 'the other is given up')
  assert.equal(all.door.sent[0]?.signal.aborted, false)
})

test('each route is tried again at least once a second while a fault may pass, and ends within 10 s', async () => {
  await using all = scripted(['a', 'b'], () => refused())
  const state = watch(all.ask())
  await all.clock.advance(8_500)
  assert.equal(state.now, 'open')
  await all.clock.advance(1_000)
  assert.equal(state.now, 'connection-refused')
  for (const route of ['a', 'b']) {
    const at = times(all.door.sent, route)
    assert.ok(at.length >= 10 && at.length < 25, `${at.length} by ${route}`)
    for (const [index, one] of at.entries()) assert.ok(one - (at[index - 1] ?? 0) <= 1_000, `${route}: ${at}`)
  }
})

test('a fault that passes costs no more than its own time (a relay that refuses for 300 ms)', async () => {
  await using all = scripted(['a'], ({ at }) => (at < 300 ? refused() : TAGS))
  const state = watch(all.ask())
  await all.clock.advance(500)
  assert.equal(state.now, 'here')
})

for (const [name, said, cause] of [
  ['not found', () => NOT_FOUND, 'not-found'],
  ['blocked by every route', () => BLOCKED, 'blocked'],
  ['not trusted by any', untrusted, 'tls-untrusted'],
  ['a password that no proxy takes (D-15)', proxyWantsPassword, 'proxy-refused'],
  ['404 that no registry wrote', () => ({ status: 404, body: 'no' }), 'upstream-broken'],
  ['401', () => ({ status: 401 }), 'denied'],
] as const) {
  test(`what does not pass is told at once: ${name}`, async () => {
    await using all = scripted(['a', 'b'], () => said())
    const state = watch(all.ask())
    await all.clock.settle()
    assert.equal(state.now, cause)
    assert.ok(all.door.sent.length <= 2)
  })
}

test('a proxy password that was rejected is tried every 30 s, whoever asks (D-15)', async () => {
  await using all = scripted(['a'], proxyWantsPassword)
  for (let request = 0; request < 20; request += 1) {
    const state = watch(all.ask())
    await all.clock.advance(1_000)
    assert.equal(state.now, 'proxy-refused')
  }
  assert.equal(all.door.sent.length, 1)
  await all.clock.advance(10_001)
  assert.equal(watch(all.ask()).now, 'open')
  await all.clock.settle()
  assert.equal(all.door.sent.length, 2)
})

test('while nothing works all who wait share one attempt a second (FC-43)', async () => {
  await using all = scripted(['a'], () => refused())
  await Promise.all([all.ask().value.catch(() => undefined), all.clock.advance(9_500)])
  const before = all.door.sent.length
  const states = Array.from({ length: 50 }, () => watch(all.ask()))
  await all.clock.advance(9_500)
  assert.ok(states.every(({ now }) => now === 'connection-refused'))
  assert.ok(all.door.sent.length - before <= 20, `${all.door.sent.length - before} attempts`)
})

test('when it works again all who wait go on at once', async () => {
  let works = false
  await using all = scripted(['a'], () => (works ? TAGS : refused()))
  const states = Array.from({ length: 50 }, () => watch(all.ask()))
  await all.clock.advance(4_000)
  works = true
  const left = () => states.filter(({ now }) => now === 'open').length
  for (let ms = 0; left() === 50; ms += 10) {
    assert.ok(ms < 1_000, 'within a second one finds out')
    await all.clock.advance(10)
  }
  await all.clock.settle()
  // Each rests a little between two tries of its own, whatever others found.
  await all.clock.advance(400)
  assert.equal(left(), 0)
})

test('who waits for a route that is tried by somebody is let in by his answer', async () => {
  let answer: ((said: Said) => void) | undefined
  let works = false
  await using all = scripted(['a'], () => {
    if (!works) return refused()
    return new Promise((resolve) => {
      answer = resolve
    })
  })
  const first = watch(all.ask())
  await all.clock.advance(4_000)
  works = true
  await all.clock.advance(800)
  const second = watch(all.ask())
  await all.clock.advance(20)
  const sent = all.door.sent.length
  answer?.(TAGS)
  await all.clock.settle()
  assert.deepEqual([first.now, second.now], ['here', 'open'])
  assert.equal(all.door.sent.length, sent + 1, 'at once')
})

test('while somebody tries a silent route, others begin one attempt a second at most', async () => {
  let silent = false
  await using all = scripted(['a'], () => (silent ? HANGS() : refused()))
  watch(all.ask())
  await all.clock.advance(2_000)
  silent = true
  for (let count = 0; count < 50; count += 1) watch(all.ask())
  const before = all.door.sent.length
  await all.clock.advance(3_000)
  assert.ok(all.door.sent.length - before <= 6, `${all.door.sent.length - before}`)
})

test('attempts that fail together count as one failure: the next comes soon', async () => {
  const fail: (() => void)[] = []
  await using all = scripted(['a'], ({ at }) =>
    at > 0 ? TAGS : new Promise((_, reject) => fail.push(() => reject(new EgressError('header', 'reset')))),
  )
  const states = Array.from({ length: 20 }, () => watch(all.ask()))
  await all.clock.advance(1_000)
  for (const reject of fail) reject()
  await all.clock.advance(50)
  assert.ok(states.every(({ now }) => now === 'here'))
})

test('one thing that fails again and again keeps nobody else out', async () => {
  await using all = scripted(['a'], ({ url }) => (url.pathname.includes('/bad/') ? { status: 500 } : TAGS))
  watch(all.upstream.tags('library/bad/x', { limit: 1 }))
  await all.clock.advance(3_000)
  const state = watch(all.ask())
  await all.clock.advance(1_000)
  assert.equal(state.now, 'here')
})

test('one thing that fails again and again is not asked for faster where all else works', async () => {
  await using all = scripted(['a'], ({ url }) => (url.pathname.includes('/bad/') ? { status: 500 } : TAGS))
  const state = watch(all.upstream.tags('library/bad/x', { limit: 1 }))
  for (let ms = 0; ms < 9_500; ms += 20) {
    all.ask()
    await all.clock.advance(20)
  }
  assert.equal(state.now, 'upstream-broken')
  const bad = all.door.sent.filter(({ url }) => url.pathname.includes('/bad/')).length
  assert.ok(bad >= 10 && bad < 40, `${bad} times`)
})

test('an upstream that is silent is a timeout that says where, and goes on behind for 60 s (D-12)', async () => {
  await using all = scripted(['a'], HANGS)
  const running = all.ask()
  const state = watch(running)
  await all.clock.advance(9_900)
  assert.equal(state.now, 'open')
  const { cause, hop, host, facts } = running.waiting()
  assert.deepEqual([cause, hop, host, facts.waited], ['timeout', 'tags', 'reg.example', 9_900])
  assert.equal(all.door.sent.length, 2, 'a fresh connection beside the first')
  await all.clock.advance(50_099)
  assert.equal(state.now, 'open')
  await all.clock.advance(1)
  assert.equal(state.now, 'timeout')
  assert.ok(all.door.sent.every(({ signal }) => signal.aborted))
  assert.equal(running.attempts.filter((made) => made.cause === 'timeout').length, 2)
})

test('a header that takes 35 s still comes, behind (D-12)', async () => {
  const answers: ((said: Said) => void)[] = []
  await using all = scripted(['a'], () => new Promise((resolve) => answers.push(resolve)))
  const state = watch(all.ask())
  await all.clock.advance(35_000)
  answers[0]?.(TAGS)
  await all.clock.settle()
  assert.equal(state.now, 'here')
})

test('an attempt that fails late is not tried again when its time is over', async () => {
  const fail: ((reason: unknown) => void)[] = []
  await using all = scripted(['a'], () => new Promise((_, reject) => fail.push(reject)))
  const state = watch(all.ask())
  await all.clock.advance(12_000)
  for (const reject of fail) reject(new EgressError('header', 'reset'))
  await all.clock.settle()
  assert.equal(state.now, 'upstream-broken')
  assert.equal(all.door.sent.length, 2)
})

test('the breaker opens after two seconds of silence, and closes with the first answer', async () => {
  const answers: ((said: Said) => void)[] = []
  await using all = scripted(['a'], () => new Promise((resolve) => answers.push(resolve)))
  const state = watch(all.ask())
  await all.clock.advance(1_999)
  assert.equal(all.upstream.state().failing, undefined)
  await all.clock.advance(1)
  const { failing } = all.upstream.state()
  assert.equal(failing?.failure.cause, 'timeout')
  assert.equal(failing?.since, all.clock.now)
  answers[0]?.(TAGS)
  await all.clock.settle()
  assert.equal(state.now, 'here')
  assert.equal(all.upstream.state().failing, undefined)
})

test('the breaker says since when, and the registry’s own no closes it', async () => {
  let said: () => Said = refused
  await using all = scripted(['a'], () => said())
  const since = all.clock.now
  await Promise.all([all.ask().value.catch(() => undefined), all.clock.advance(9_500)])
  await Promise.all([all.ask().value.catch(() => undefined), all.clock.advance(9_500)])
  assert.equal(all.upstream.state().failing?.since, since)
  said = () => NOT_FOUND
  await Promise.all([all.ask().value.catch(() => undefined), all.clock.advance(1_000)])
  assert.equal(all.upstream.state().failing, undefined)
})

test('what was asked too often is answered from memory until then, and blobs go on (S10)', async () => {
  const tooMany = { status: 429, headers: { 'retry-after': '120' }, body: '{"errors":[{"code":"TOOMANYREQUESTS"}]}' }
  let said: Said = tooMany
  await using all = scripted(['a'], ({ url }) => (url.pathname.includes('/blobs/') ? { status: 200 } : said))
  const digest = `sha256:${'0'.repeat(64)}` as never
  for (let request = 0; request < 5; request += 1) {
    await assert.rejects(
      all.ask().value,
      (error) => error instanceof UpstreamFailure && error.failure.facts.retryAt === 1_120_000,
    )
  }
  assert.equal(all.door.sent.length, 1)
  assert.equal(all.upstream.state().failing?.failure.cause, 'rate-limited')
  await all.upstream.hasBlob('library/a', digest).value
  said = TAGS
  await all.clock.advance(120_000)
  assert.equal(all.upstream.state().failing, undefined)
  await all.ask().value
})

test('what is left of ten seconds is divided among the routes that are left', async () => {
  await using all = scripted(['a', 'b', 'c', 'd', 'e'], HANGS)
  watch(all.ask())
  await all.clock.advance(9_400)
  const [first, second] = all.door.sent
  assert.equal(first?.connectMs, 1_900)
  assert.equal(second?.at, 3_000)
  assert.equal(second?.connectMs, 1_625)
})

test('an upstream that is closed leaves nobody waiting', async () => {
  const all = scripted(['a', 'b'], HANGS)
  const state = watch(all.ask())
  await all.clock.advance(100)
  await all.upstream[Symbol.asyncDispose]()
  await all.clock.settle()
  assert.match(state.now, /reg\.example is closed/)
  assert.equal(all.clock.sleeping, 0)
  assert.match(String(await all.ask().value.catch(String)), /closed/)
})

test('a fault of ours is no failure of the upstream', async () => {
  await using all = scripted(['a', 'b'], () => {
    throw new TypeError('our own')
  })
  await assert.rejects(all.ask().value, TypeError)
})

test('nobody need wait for what he asked for', async () => {
  await using all = scripted(['a'], () => NOT_FOUND)
  all.ask()
  await all.clock.settle()
})

test('a probe that never comes to anything is given up after a minute, though nobody waits for it', async () => {
  let hangs = false
  await using all = scripted(['a', 'b'], ({ route }) => (route === 'b' ? TAGS : hangs ? HANGS() : refused()))
  watch(all.ask())
  await all.clock.advance(2_000)
  hangs = true
  const state = watch(all.ask())
  await all.clock.advance(1_000)
  assert.equal(state.now, 'here')
  const probe = all.door.sent.findLast(({ route }) => route === 'a')
  await all.clock.advance(58_000)
  assert.equal(probe?.signal.aborted, false)
  await all.clock.advance(1_000)
  assert.equal(probe?.signal.aborted, true)
})
