/** node:crypto, loaded with its first use: its 7 ms are a tenth of what importing the package takes, and few programs need it. */
export const nodeCrypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto')
