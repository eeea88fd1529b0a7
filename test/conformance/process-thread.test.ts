// The suite on children that are threads of this process; in a file of its own, for all ways together take minutes.
import { processSuite } from './process.ts'

const family = 'threads that a thread has started end with it, and all have the pid of their process'
const descriptors = 'all threads of a process have the same descriptors'
const ofTheProcess = 'it belongs to the process: a thread is refused one of its own'

processSuite('thread', [
  ...['terminate', 'kill'].map(how => ({
    test: `Process.${how}() of a child in a tree of three levels: its daemons end with it, its other children and theirs go on`,
    why: family,
  })),
  { test: 'Process: a child that is no daemon goes on when its parent is killed', why: family },
  {
    test: 'TestProcess.test_parent_process — a grandchild sees its parent alive, and dead once that is terminated',
    why: family,
  },
  { test: 'TestProcess.test_process_mainthread_native_id — the child is another process', why: 'it is a thread' },
  { test: 'Process cwd: where the child runs; left out, where the parent is at this moment', why: ofTheProcess },
  { test: 'Process execArgv takes the place of the options of the parent', why: ofTheProcess },
  { test: 'TestFlags.test_flags — options of Node are the same in a child and a grandchild', why: ofTheProcess },
  {
    test: 'TestProcess.test_child_fd_inflation — children have the same number of descriptors, however many siblings run',
    why: descriptors,
  },
  { test: 'TestCloseFds.test_closefd — a descriptor of the parent is not open in its child', why: descriptors },
  {
    test: 'TestProcess.test_interrupt — a child that handles the signal decides about its exit code',
    why: 'a signal cannot be sent to a thread',
  },
])
