import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coalesce } from '../../lib/store/coalesce.ts';

test('pieces have their size, the last one the rest, and join to the same bytes although chunks reuse memory', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 50 })),
      fc.integer({ min: 1, max: 40 }),
      async (chunks, size) => {
        async function* reusing() {
          const memory = Buffer.alloc(50);
          for (const chunk of chunks) {
            memory.set(chunk);
            yield memory.subarray(0, chunk.length);
          }
        }

        const pieces: Buffer[] = [];
        for await (const piece of coalesce(reusing(), size)) pieces.push(piece);

        expect(Buffer.concat(pieces)).toEqual(Buffer.concat(chunks));
        const [last, ...others] = pieces.toReversed();
        expect(others.every((piece) => piece.length === size)).toBe(true);
        expect(last === undefined || (last.length > 0 && last.length <= size)).toBe(true);
      },
    ),
  );
});

test('with reuse, every piece lies in the same memory', async () => {
  async function* chunks() {
    for (let index = 0; index < 5; index += 1) yield Buffer.alloc(30, index);
  }

  const memory = new Set<ArrayBufferLike>();
  const found: Buffer[] = [];
  for await (const piece of coalesce(chunks(), 40, true)) {
    memory.add(piece.buffer);
    found.push(Buffer.from(piece));
  }

  expect(memory.size).toBe(1);
  expect(Buffer.concat(found)).toEqual(Buffer.concat([0, 1, 2, 3, 4].map((index) => Buffer.alloc(30, index))));
});
