/** What files this process has mapped, and where. */
import { fstatSync, readFileSync } from 'node:fs'
import { fileSize } from './memfd.ts'

export interface MappedFile {
  readonly address: bigint
  readonly length: number
  readonly inode: number
}

/** The mappings of files of this name, as /proc shows it. */
export function mappingsOf(name: string): MappedFile[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter(line => line.endsWith(name))
    .map(parse)
}

/** `7f1c40000000-7f1d40000000 rw-s 00000000 00:01 2051 /memfd:multiproc (deleted)` */
function parse(line: string): MappedFile {
  const [range, , , , inode] = line.split(/ +/)
  const [start, end] = range.split('-').map(hex => BigInt(`0x${hex}`))
  return { address: start, length: Number(end - start), inode: Number(inode) }
}

/** Where this process has the whole file mapped (for its life, then: mapForLife), if it has. */
export function wholeMapping(fd: number): bigint | undefined {
  const [inode, length] = [fstatSync(fd).ino, fileSize(fd)]
  return mappingsOf('(deleted)').find(one => one.inode === inode && one.length === length)?.address
}
