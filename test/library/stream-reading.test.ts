import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import type { Progress } from '../../lib/library/progress.ts';
import { stream } from '../../lib/library/stream.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { collect, errorOf, impatient, it, local, readUntilError, until } from './fixture.ts';

const BODY = bytesOf('stream', 300_000);

describe('the pieces', () => {
  it('are of the size that was asked for, whatever the chunks of the source', async ({ origin }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(5_000),
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 1_000 }),
        async (bytes, sent, chunkBytes) => {
          const body = bytesOf(bytes, bytes);
          origin.on('/f', { body, framing: 'chunked', chunkBytes: sent });

          const pieces = await collect(await stream(origin.url('/f'), { ...local, chunkBytes }));

          expect(Buffer.concat(pieces).equals(body)).toBe(true);
          expect(pieces.slice(0, -1).every(({ length }) => length === chunkBytes)).toBe(true);
          expect(pieces).toHaveLength(Math.ceil(bytes / chunkBytes));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('come as soon as they are there when no size was asked for', async ({ origin }) => {
    origin.on('/slow', { body: 'first, second', framing: 'chunked', stall: { afterBytes: 20 }, chunkBytes: 6 });

    await using source = await stream(origin.url('/slow'), local);
    const first = await source[Symbol.asyncIterator]().next();

    expect(Buffer.from(first.value ?? []).toString()).toMatch(/^first/);
  });

  it('are no more than the reader asks for: a source waits for a reader that does', async ({ origin }) => {
    const bytes = 256 * 1024 * 1024;
    origin.on('/large', { body: { seed: 1, bytes } });
    const read: Progress[] = [];
    const options = { ...local, progressIntervalMs: 0, onProgress: (at: Progress) => void read.push(at) };

    await using source = await stream(origin.url('/large'), options);
    const pieces = source[Symbol.asyncIterator]();
    await pieces.next();
    await new Promise((resolve) => setTimeout(resolve, 200));

    expect(read.at(-1)?.bytes).toBeLessThan(1024 * 1024);
  });

  it('may be kept: none shares its memory with another', async ({ origin }) => {
    origin.on('/f', { body: BODY, framing: 'chunked', chunkBytes: 100 });

    const pieces = await collect(await stream(origin.url('/f'), local));

    expect(new Set(pieces.map(({ buffer: memory }) => memory)).size).toBe(pieces.length);
    expect(Buffer.concat(pieces).equals(BODY)).toBe(true);
  });
});

describe('the forms of a stream', () => {
  it('web: with and without buffers of the reader', async ({ origin }) => {
    origin.on('/f', { body: BODY });
    const plain = await stream(origin.url('/f'), local);
    const filled = await stream(origin.url('/f'), { ...local, chunkBytes: 10_000 });

    const all = Buffer.concat(await collect(plain.body));
    const reader = filled.body.getReader({ mode: 'byob' });
    const parts: Uint8Array[] = [];
    for (let next = await reader.read(new Uint8Array(777)); !next.done; next = await reader.read(new Uint8Array(777))) {
      parts.push(next.value);
    }

    expect(all.equals(BODY)).toBe(true);
    expect(Buffer.concat(parts).equals(BODY)).toBe(true);
    expect(Math.max(...parts.map(({ length }) => length))).toBe(777);
  });

  it('web: hands the error on, and cancelling closes the source', async ({ origin }) => {
    origin.on('/bad', { body: BODY });
    origin.on('/rest', { body: BODY, stall: { afterBytes: 1_000 } });
    const bad = await stream(origin.url('/bad'), { ...local, md5: '0'.repeat(32) });
    const rest = await stream(origin.url('/rest'), local);

    const failed = errorOf(new Response(bad.body as never).arrayBuffer());
    const reader = rest.body.getReader();
    await reader.read();
    await reader.cancel();

    expect((await failed).name).toBe('DigestMismatch');
    await until(() => origin.connections.open === 0);
  });

  it('node: a Readable, whose destruction closes the source at once', async ({ origin }) => {
    origin.on('/f', { body: BODY });
    origin.on('/bad', { body: BODY });
    origin.on('/rest', { body: BODY, stall: { afterBytes: 1_000 } });
    const rest = (await stream(origin.url('/rest'), local)).toNode();

    const all = await buffer((await stream(origin.url('/f'), local)).toNode());
    const bad = errorOf(buffer((await stream(origin.url('/bad'), { ...local, md5: '0'.repeat(32) })).toNode()));
    rest.resume();
    await new Promise((resolve) => rest.once('data', resolve));
    await new Promise((resolve) => rest.once('close', resolve).destroy());

    expect(all.equals(BODY)).toBe(true);
    expect((await bad).name).toBe('DigestMismatch');
    await until(() => origin.connections.open === 0);
  });

  it('are one stream, which is read once', async ({ origin }) => {
    origin.on('/f', { body: BODY });
    await using source = await stream(origin.url('/f'), local);

    const { body } = source;

    expect(source.body).toBe(body);
    expect(() => source.toNode()).toThrow(expect.objectContaining({ name: 'BatchInvalid' }));
  });
});

describe('the end of a stream', () => {
  it('that is left or closed early closes every socket', async ({ origin }) => {
    origin.on('/rest', { body: BODY, stall: { afterBytes: 1_000 } });
    const left = await stream(origin.url('/rest'), local);
    const closed = await stream(origin.url('/rest'), local);

    for await (const _ of left) break;
    await closed.close();
    await closed.close();

    await until(() => origin.connections.open === 0);
    expect(origin.connections.total).toBe(2);
    expect((await errorOf(collect(closed))).name).toBe('Interrupted');
  });

  it('comes at once with an aborted signal, before the head, within the body, and in a pause', async ({ origin }) => {
    origin.on('/never', { delayMs: Number.POSITIVE_INFINITY });
    origin.on('/rest', { body: BODY, stall: { afterBytes: 1_000 } });
    origin.on('/busy', { status: 503, headers: { 'Retry-After': '3000' } });
    const controllers = [new AbortController(), new AbortController(), new AbortController()] as const;
    const [first, second, third] = controllers.map(({ signal }) => ({ ...local, signal }));

    const before = errorOf(stream(origin.url('/never'), first));
    const within = readUntilError(await stream(origin.url('/rest'), second));
    const paused = errorOf(stream(origin.url('/busy'), third));
    await until(() => origin.requests.length === 3);
    for (const controller of controllers) controller.abort();

    expect((await before).name).toBe('Interrupted');
    expect((await within).error.name).toBe('Interrupted');
    expect((await paused).name).toBe('Interrupted');
    await until(() => origin.connections.open === 0);
  });

  it('H28, H29: comes with the name of the time limit that was passed', async ({ origin }) => {
    origin.on('/rest', { body: BODY, stall: { afterBytes: 1_000 } });
    const nameOf = async (options: object) =>
      (await readUntilError(await stream(origin.url('/rest'), { ...local, ...options }, impatient))).error.name;

    expect(await nameOf({ idleTimeoutMs: 50 })).toBe('IdleTimeout');
    expect(await nameOf({ timeoutMs: 100 })).toBe('ItemTimeout');
    await until(() => origin.connections.open === 0);
  });

  it('H62: is not the first 503: the host is asked again when it said', async ({ origin }) => {
    const waited: number[] = [];
    const effects = { ...impatient, pause: (ms: number) => Promise.resolve(void waited.push(ms)) };
    origin.on('/busy', [
      { status: 503, headers: { 'Retry-After': '30' } },
      { status: 500 },
      { status: 502 },
      { body: 'x' },
    ]);

    const read = await collect(await stream(origin.url('/busy'), local, effects));

    expect(Buffer.concat(read).toString()).toBe('x');
    expect(waited).toEqual([30_000, 0, 0]);
  });

  it('is a failure of its own when the listener throws, and no crash when it rejects', async ({ origin }) => {
    origin.on('/f', { body: BODY, drip: { bytes: 100_000, everyMs: 20 } });
    const end = async (onProgress: () => void) =>
      collect(await stream(origin.url('/f'), { ...local, progressIntervalMs: 0, onProgress }));

    const thrown = errorOf(
      end(() => {
        throw new Error('my own mistake');
      }),
    );
    const rejected = errorOf(end(() => Promise.reject(new Error('too late')) as never));

    expect(await thrown).toMatchObject({
      name: 'TransformFailed',
      message: expect.stringMatching(/my own mistake.*stream-reading\.test/s),
    });
    expect(await rejected).toMatchObject({ name: 'TransformFailed', message: expect.stringContaining('too late') });
    await until(() => origin.connections.open === 0);
  });
});
