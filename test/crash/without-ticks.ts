// Preloaded by workers: nothing in them happens now and then. Who waits looks again when it is rung, and a ring that is lost shows.
const { setInterval } = globalThis
const NEVER = 2 ** 31 - 1

globalThis.setInterval = ((callback: () => void) => setInterval(callback, NEVER)) as typeof setInterval
