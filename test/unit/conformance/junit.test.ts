import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readReport } from '../../conformance/junit.ts'

/** As ginkgo 2 writes it. */
const OF_2023 = `<?xml version="1.0" encoding="UTF-8"?>
  <testsuites tests="5" disabled="0" errors="0" failures="1" time="0.48">
      <testsuite name="conformance tests" tests="5" disabled="0" skipped="1" errors="0" failures="1">
          <testcase name="[It] Suite Pull GET &#34;blob&#34; &lt;200&gt;" classname="conformance tests" status="passed" time="0.02">
              <system-err>&gt; Enter [It] GET&#xA;&lt; Exit [It] GET&#xA;</system-err>
          </testcase>
          <testcase name="[It] Suite Pull tag name" classname="conformance tests" status="skipped" time="0.01">
              <skipped message="skipped - you have skipped this test."></skipped>
          </testcase>
          <testcase name="[It] Suite Push chunk" classname="conformance tests" status="failed" time="0.01">
              <failure message="Expected&#xA;    &lt;int&gt;: 202&#xA;to equal&#xA;    &lt;int&gt;: 416" type="failed">[FAILED]</failure>
          </testcase>
          <testcase name="[It] Suite Push mount" classname="conformance tests" status="panicked" time="0.01">
              <error message="nil map" type="panicked">[PANICKED]</error>
          </testcase>
          <testcase name="[ReportAfterSuite] html custom reporter" classname="conformance tests" status="passed" time="0.01"></testcase>
      </testsuite>
  </testsuites>`

/** As the program of 2026 writes it. */
const OF_2026 = `<testsuites tests="5" failures="1">
  <testsuite name="OCI Conformance Test" tests="5" failures="1">
    <testcase name="Test/ping" classname="" time="0.1" status="passed">
      <system-err>Status: 200&#xA;</system-err>
    </testcase>
    <testcase name="Test/quiet" classname="" time="0.1" status="passed"/>
    <testcase name="Test/chunked" classname="" time="0.1" status="failure">
      <system-out>expected one of [416], received 202&#xA;and no Range</system-out>
      <system-err>Method: PATCH&#xA;Status: 202</system-err>
    </testcase>
    <testcase name="Test/engine" classname="" time="0.1" status="error">
      <system-out>no such API</system-out>
    </testcase>
    <testcase name="Test/mount" classname="" time="0.1" status="skipped">
      <system-out>registry returned status 202, fell back to blob POST+PUT</system-out>
      <system-err>Status: 202</system-err>
    </testcase>
    <testcase name="Test/cancel" classname="" time="0.1" status="skipped">
      <system-err>Test/cancel: skipping test:&#xA;  api Blob upload cancel is disabled&#xA;</system-err>
    </testcase>
  </testsuite>
</testsuites>`

test('a report of the 2023 generation is read, without the nodes that are no specs', () => {
  assert.deepEqual(readReport(OF_2023), {
    passed: [{ name: 'Suite Pull GET "blob" <200>', why: '', notes: '> Enter [It] GET\n< Exit [It] GET' }],
    failed: [
      { name: 'Suite Push chunk', why: 'Expected\n    <int>: 202\nto equal\n    <int>: 416', notes: '' },
      { name: 'Suite Push mount', why: 'nil map', notes: '' },
    ],
    skipped: [{ name: 'Suite Pull tag name', why: 'skipped - you have skipped this test.', notes: '' }],
  })
})

test('a report of the 2026 generation is read, with what each case wrote', () => {
  assert.deepEqual(readReport(OF_2026), {
    passed: [
      { name: 'Test/ping', why: '', notes: 'Status: 200' },
      { name: 'Test/quiet', why: '', notes: '' },
    ],
    failed: [
      {
        name: 'Test/chunked',
        why: 'expected one of [416], received 202\nand no Range',
        notes: 'Method: PATCH\nStatus: 202',
      },
      { name: 'Test/engine', why: 'no such API', notes: '' },
    ],
    skipped: [
      { name: 'Test/mount', why: 'registry returned status 202, fell back to blob POST+PUT', notes: 'Status: 202' },
      {
        name: 'Test/cancel',
        why: 'api Blob upload cancel is disabled',
        notes: 'Test/cancel: skipping test:\n  api Blob upload cancel is disabled',
      },
    ],
  })
})

test('a status that nobody knows counts as a failure', () => {
  const { failed } = readReport('<testcase name="Test/odd" status="undecided"></testcase>')
  assert.deepEqual(failed, [{ name: 'Test/odd', why: '', notes: '' }])
})

test('each character that Go escapes comes back', () => {
  const { passed } = readReport('<testcase name="&lt;&gt;&amp;&#34;&#39;&#x9;&#xA;|&amp;lt;&nope;" status="passed"/>')
  assert.deepEqual(
    passed.map(({ name }) => name),
    ['<>&"\'\t\n|&lt;&nope;'],
  )
})
