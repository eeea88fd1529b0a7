// The life of a child that is a thread: what holds for every way of starting, told in the files below.
import { setStartMethod } from 'multiproc'

setStartMethod('thread')
for (const file of ['life', 'join', 'failure', 'options', 'family']) await import(`./${file}.test.js`)
