/** `npm run demo`: a census of every text file under a folder. Workers import this file too; only the main process runs it. */

import { isMainProcess } from 'multiproc'

// Imported here and not above: a worker starts sooner without the command line, the table and the progress bar.
if (isMainProcess) void import('./command.ts').then(command => command.run(process.argv))
