// Shows: an image in shared memory, filtered in place by four processes at once, and written as PNG before and after.
// Try: another number of processes, a larger image, a filter of your own; open the two files.
// Without it: each process would get a copy of its part, and send it back: two copies of every pixel.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { crc32, deflateSync } from 'node:zlib'
import { isMainProcess, Process, SharedArray, type SharedArrayOf } from 'multiproc'

const [WIDTH, HEIGHT, PROCESSES] = [320, 240, 4]

/** Three bytes for each pixel: these rows become a negative of themselves, coarser and with more contrast. */
export function filter(image: SharedArrayOf<'B'>, firstRow: number, endRow: number): void {
  for (let i = firstRow * WIDTH * 3; i < endRow * WIDTH * 3; i++) image[i] = 255 - (image[i] & 0b1110_0000)
}

function paint(image: SharedArrayOf<'B'>): void {
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const inside = Math.hypot(x - WIDTH / 2, y - HEIGHT / 2) < 80
      image.set([(x * 255) / WIDTH, (y * 255) / HEIGHT, inside ? 220 : 40], (y * WIDTH + x) * 3)
    }
  }
}

function png(image: Uint8Array): Buffer {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  }
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]) // 8 bits each of red, green, blue
  header.writeUInt32BE(WIDTH, 0)
  header.writeUInt32BE(HEIGHT, 4)
  const rows = Array.from({ length: HEIGHT }, (_, y) => [0, ...image.subarray(y * WIDTH * 3, (y + 1) * WIDTH * 3)])
  const pixels = deflateSync(Uint8Array.from(rows.flat()))
  const start = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([start, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))])
}

async function main(): Promise<void> {
  const image = new SharedArray('B', WIDTH * HEIGHT * 3)
  const save = (name: string) => {
    writeFileSync(fileURLToPath(new URL(name, import.meta.url)), png(image))
    console.log(`build/examples/${name}: mean ${(image.reduce((a, b) => a + b, 0) / image.length).toFixed(2)}`)
  }
  paint(image)
  save('shared-image-before.png')
  const rows = (i: number) => Math.floor((i * HEIGHT) / PROCESSES)
  const processes = Array.from(
    { length: PROCESSES },
    (_, i) => new Process({ target: filter, args: [image, rows(i), rows(i + 1)] }),
  )
  for (const process of processes) process.start()
  for (const process of processes) await process.join()
  save('shared-image-after.png')
}

if (isMainProcess) await main()
