import { expect, test } from 'vitest';
import { readExactly } from '../../lib/store/read-exactly.ts';
import { readAll, stream } from '../support/store-bytes.ts';

test('a body of the right size comes through, empty chunks left out', async () => {
  const chunks: string[] = [];
  for await (const chunk of readExactly(stream(['ab', '', 'c']), 3, 'k', undefined)) chunks.push(String(chunk));

  expect(chunks).toEqual(['ab', 'c']);
});

test.each([
  [4, 'k: wanted 4 bytes, found 3.'],
  [2, 'k: wanted 2 bytes, found more.'],
])(
  'of three bytes where %i are wanted, nothing past the last comes through, and the end is ChecksumRefused',
  async (bytes, message) => {
    const found: Uint8Array[] = [];
    const reading = async () => {
      for await (const chunk of readExactly(stream(['a', 'b', 'c']), bytes, 'k', undefined)) found.push(chunk);
    };

    await expect(reading()).rejects.toMatchObject({ name: 'ChecksumRefused', message });

    expect(Buffer.concat(found).length).toBeLessThanOrEqual(bytes);
  },
);

test('an abort ends it while the body is silent, and a body that is busy is told to close but not waited for', async () => {
  const controller = new AbortController();
  let closing = false;
  const silent: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: () => {
        closing = true;
        return new Promise(() => undefined);
      },
    }),
  };

  const reading = readAll(readExactly(silent, 1, 'k', controller.signal));
  controller.abort(new Error('given up'));

  await expect(reading).rejects.toThrow('given up');
  expect(closing).toBe(true);
});

test('whoever stops reading closes the body first', async () => {
  let isClosed = false;
  async function* body() {
    try {
      yield Buffer.from('a');
      yield Buffer.from('b');
    } finally {
      await new Promise(setImmediate);
      isClosed = true;
    }
  }

  for await (const _ of readExactly(body(), 2, 'k', undefined)) break;

  expect(isClosed).toBe(true);
});

test('a signal that outlives many bodies keeps nothing of them', async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };

  await readAll(readExactly(stream(['abc']), 3, 'k', signal));
  await readAll(readExactly(stream(['abc']), 4, 'k', signal)).catch(() => undefined);

  expect(listeners).toBe(0);
});
