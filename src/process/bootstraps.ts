/**
 * Where the first code of a child lies. As for every file that is known by its place, the path goes by way of the layer's
 * folder: so it holds from a layer's folder and from the one in which each layer is published as a file.
 */
import { fileURLToPath } from 'node:url'

/** The program of a child that is a process; bootstrap.ts says what stands behind it on the command line. */
export const PROCESS_BOOTSTRAP = fileURLToPath(new URL('../process/bootstrap.js', import.meta.url))

/** The program of a child that is a thread. */
export const THREAD_BOOTSTRAP = new URL('../process/thread-bootstrap.js', import.meta.url)
