import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Register } from './register.ts'

test('a write that was done is all that may be there', () => {
  const register = new Register('old')
  register.write('new').end('done')
  assert.deepEqual([...register.possible], ['new'])
})

test('a write without an answer may have been done, or not', () => {
  const register = new Register('old')
  register.write('new').end('unknown')
  assert.deepEqual([...register.possible], ['old', 'new'])
})

test('a write that was refused changed nothing', () => {
  const register = new Register('old')
  const writing = register.write('new')
  assert.ok(register.possible.has('new'), 'not until it is known')
  writing.end('refused')
  assert.deepEqual([...register.possible], ['old'])
})

test('of two writes at once, either may be last, and what was before is gone with one that was done', () => {
  const register = new Register('old')
  const [one, two] = [register.write('one'), register.write('two')]
  one.end('done')
  assert.ok(register.possible.has('old'), 'not before both have ended')
  two.end('unknown')
  assert.deepEqual([...register.possible], ['one', 'two'])
})

test('a look may see what was there when it began, and all that was asked for until it ends', () => {
  const register = new Register('old')
  const look = register.look()
  register.write('new').end('done')
  assert.deepEqual(
    ['old', 'new', 'other'].map((value) => look.may(value)),
    [true, true, false],
  )
  look.end('old')
  assert.deepEqual([...register.possible], ['new'])
})

test('what a look saw while nobody wrote is what is there', () => {
  const register = new Register('old')
  register.write('new').end('unknown')
  register.look().end('old')
  assert.deepEqual([...register.possible], ['old'])
})

test('a writer may find what others wrote meanwhile, and not what it writes itself', () => {
  const register = new Register('old')
  const writing = register.write('new')
  assert.equal(writing.may('new'), false)
  register.write('other').end('done')
  assert.ok(writing.may('other'))
})
