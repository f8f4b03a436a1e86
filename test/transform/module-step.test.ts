import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Transform, TransformContext, TransformGenerator } from '../../lib/transform/user-module.ts';
import { CarelessSource, chunkSizes, collect, inChunks } from './byte-streams.ts';
import { aboutItem, consume, forms, transform } from './module-code.ts';

const MiB = 1024 * 1024;

describe('a module that makes bytes of bytes', () => {
  it.each(forms)('gets every byte once and gives every byte once: %s', async (_name, code) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), chunkSizes, async (bytes, sizes) => {
        const source = new CarelessSource(inChunks(bytes, sizes));

        expect(await collect(transform(code, source))).toEqual(Buffer.from(bytes));
        expect(source.closed).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('may keep what it got, although the steps before use their memory again', async () => {
    const kept: Uint8Array[] = [];
    const code: TransformGenerator = async function* (input) {
      for await (const chunk of input) kept.push(chunk);
      yield* kept;
    };

    expect(String(await collect(transform(code, new CarelessSource([Buffer.from('ab'), Buffer.from('cd')]))))).toBe(
      'abcd',
    );
  });

  it('is told of its item and gets the options of its step', async () => {
    let told: TransformContext | undefined;
    const code: Transform = (context) => {
      told = context;
      return new TransformStream();
    };
    await collect(transform(code, new CarelessSource([]), { options: { country: 'DE' } }));

    expect(told).toMatchObject({ url: 'https://h.example/a', key: 'a', line: 1, contentType: 'text/plain', bytes: 3 });
    expect(told?.options).toEqual({ country: 'DE' });
    expect(told?.signal.aborted).toBe(false);
  });

  it('I7: is not read ahead of whoever reads what comes out', async () => {
    for (const [, code] of forms) {
      const source = new CarelessSource(Array.from({ length: 100 }, () => Buffer.alloc(1_000)));
      const output = transform(code, source);
      await output.next();
      await sleep(5);

      expect(source.pulled).toBeLessThan(5);
      await output.return(undefined);
      expect(source.closed).toBe(true);
    }
  });

  it('may end before its input does: the rest is read all the same, so that the source is proven', async () => {
    const first: TransformGenerator = async function* (input) {
      for await (const chunk of input) {
        yield chunk;
        return;
      }
    };
    const terminating: Transform = () =>
      new TransformStream({
        transform(chunk, controller) {
          controller.enqueue(chunk);
          controller.terminate();
        },
      });
    for (const code of [first, terminating]) {
      const source = new CarelessSource(inChunks(Buffer.from('abcdef'), [1]));

      expect(String(await collect(transform(code, source)))).toBe('a');
      expect(source.pulled).toBe(6);
    }
  });
});

describe('a module that makes a result of bytes', () => {
  it('returns what stands in the outcome, as JSON', async () => {
    const source = new CarelessSource(inChunks(Buffer.alloc(MiB, 1), [100_000]));

    const result = await consume(async (input, { key, options }) => {
      let bytes = 0;
      for await (const chunk of input) bytes += chunk.length;
      return { key, bytes, options, when: new Date(0), left: undefined };
    }, source);

    expect(result).toEqual({ key: 'a', bytes: MiB, options: {}, when: '1970-01-01T00:00:00.000Z' });
  });

  it('may return nothing, and stop reading when it knows enough: the rest is read for it', async () => {
    const source = new CarelessSource(inChunks(Buffer.from('abcdef'), [1]));

    const result = await consume(async (input) => {
      for await (const _ of input) break;
    }, source);

    expect(result).toBeUndefined();
    expect(source.pulled).toBe(6);
  });

  it.each([
    ['too large', () => 'x'.repeat(16 * 1024), 'has 16386 bytes of JSON, at most 16384'],
    ['no JSON', () => 1n, 'BigInt'],
    ['an error', () => Promise.reject(new Error('my mistake')), 'my mistake'],
  ])('fails with a result that is %s', async (_name, code, message) => {
    await expect(consume(code, new CarelessSource([]))).rejects.toMatchObject({
      name: 'TransformFailed',
      message: expect.stringContaining(message),
    });
  });

  it('says no more than a hundred things, none of them long', async () => {
    const messages: string[] = [];
    const about = aboutItem({ log: (message) => void messages.push(message) });

    await consume(
      (_input, { log }) => {
        for (let at = 0; at < 1_000; at += 1) log('x'.repeat(5_000));
      },
      new CarelessSource([]),
      {},
      about,
    );

    expect(messages).toHaveLength(100);
    expect(messages[0]).toHaveLength(1_024);
  });
});
