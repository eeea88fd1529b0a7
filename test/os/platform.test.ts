import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UnsupportedPlatformError } from '#src/contract/errors.js'
import { type PlatformFacts, requirePlatform } from '#src/os/platform.js'

const good: PlatformFacts = { platform: 'linux', arch: 'x64', electron: undefined, procVisible: true }

function refusal(facts: Partial<PlatformFacts>): string {
  try {
    requirePlatform({ ...good, ...facts })
  } catch (error) {
    assert.ok(error instanceof UnsupportedPlatformError)
    return error.message
  }
  return 'accepted'
}

test('requirePlatform() accepts Linux x64 and arm64, and this machine', () => {
  assert.equal(refusal({}), 'accepted')
  assert.equal(refusal({ arch: 'arm64' }), 'accepted')
  requirePlatform()
  requirePlatform()
})

test('requirePlatform() elsewhere says what is supported and what this is', () => {
  assert.match(refusal({ platform: 'darwin', arch: 'arm64' }), /Linux x64 and arm64, and this is darwin arm64/)
  assert.match(refusal({ platform: 'win32' }), /this is win32 x64/)
  assert.match(refusal({ arch: 'ia32' }), /this is linux ia32/)
})

test('requirePlatform() inside Electron names Electron and its version', () => {
  assert.match(refusal({ electron: '33.2.0' }), /Electron \(this is 33\.2\.0\)/)
})

test('requirePlatform() without /proc says how to mount it', () => {
  assert.match(refusal({ procVisible: false }), /\/proc\/self\/fd.*mount -t proc/)
})
