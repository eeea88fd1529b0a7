import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeFd } from '#src/os/descriptor.js'
import { mapForLife } from '#src/os/mapping.js'
import { wholeMapping } from '#src/os/maps.js'
import { createMemfd } from '#src/os/memfd.js'

test('wholeMapping() finds a file that is mapped as a whole, by whatever descriptor', () => {
  const [fd, other] = [createMemfd('test maps', 1 << 20), createMemfd('test maps', 1 << 20)]
  assert.equal(wholeMapping(fd), undefined)
  const base = mapForLife(fd, 1 << 20)
  assert.equal(wholeMapping(fd), base)
  assert.equal(wholeMapping(other), undefined)
  mapForLife(other, 1 << 16)
  assert.equal(wholeMapping(other), undefined)
  for (const one of [fd, other]) closeFd(one)
})
