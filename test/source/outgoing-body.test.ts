import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { OutgoingBody } from '../../lib/source/outgoing-body.ts';

const chunk = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.string({ maxLength: 20, unit: 'grapheme' }));

async function* from<T>(chunks: readonly T[]) {
  yield* chunks;
}

async function read(body: OutgoingBody): Promise<{ readonly chunks: Uint8Array[]; readonly error?: unknown }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const piece of body) chunks.push(piece);
    return { chunks };
  } catch (error) {
    return { chunks, error };
  }
}

const isSettled = async (promise: Promise<unknown>) =>
  await Promise.race([promise.then(() => true), new Promise((resolve) => setTimeout(resolve, 20, false))]);

describe('a body on its way', () => {
  it('hands on every byte, no empty chunk, never more than promised, and ends only with as many', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(chunk), fc.option(fc.nat(100), { nil: undefined }), async (chunks, bytes) => {
        const whole = Buffer.concat(chunks.map((piece) => Buffer.from(piece)));
        const promised = bytes ?? whole.length;

        const sent = await read(new OutgoingBody({ open: () => from(chunks), bytes }));

        const got = Buffer.concat(sent.chunks);
        expect(sent.chunks.every(({ length }) => length > 0)).toBe(true);
        expect(got.equals(whole.subarray(0, got.length))).toBe(true);
        expect(got.length).toBeLessThanOrEqual(promised);
        if (promised === whole.length) expect([got.length, sent.error]).toEqual([whole.length, undefined]);
        else expect(sent.error).toMatchObject({ name: 'SizeMismatch' });
      }),
    );
  });

  it('is made of bytes and texts only', async () => {
    const { error } = await read(new OutgoingBody({ open: () => from([1]) as never, bytes: undefined }));

    expect(error).toMatchObject({ name: 'BatchInvalid', message: expect.stringContaining('found number') });
  });

  it('is opened when its first byte is wanted, and not before', async () => {
    let opened = 0;
    const open = () => {
      opened += 1;
      return from(['a']);
    };
    const body = new OutgoingBody({ open, bytes: undefined });

    expect([opened, body.isBegun]).toEqual([0, false]);
    await body.next();
    expect([opened, body.isBegun]).toEqual([1, true]);
  });

  it('that is held says nothing more, neither a chunk nor an end, until its exchange is over', async () => {
    const web = new ReadableStream<Uint8Array>();
    const body = new OutgoingBody({ open: () => web, bytes: undefined });
    const next = body.next();
    next.catch(() => undefined);
    await isSettled(next);

    body.hold();
    expect(await isSettled(next)).toBe(false);
    body.end();

    await expect(next).rejects.toMatchObject({ name: 'Interrupted' });
    await expect(body.next()).rejects.toBeInstanceOf(SkyhaulError);
    expect(body.over.aborted).toBe(true);
  });

  it('closes a stream that is opened when nobody wants it any more', async () => {
    const opening = Promise.withResolvers<ReadableStream<Uint8Array>>();
    const closed = Promise.withResolvers<void>();
    const body = new OutgoingBody({ open: () => opening.promise, bytes: undefined });
    body.next().catch(() => undefined);

    body.end();
    opening.resolve(new ReadableStream({ cancel: () => closed.resolve() }));

    await closed.promise;
  });

  it('that was handed on whole is not closed again', async () => {
    let closed = 0;
    const chunks = {
      next: () => Promise.resolve({ done: true as const, value: undefined }),
      return: () => {
        closed += 1;
        return Promise.resolve({ done: true as const, value: undefined });
      },
    };
    const body = new OutgoingBody({ open: () => ({ [Symbol.asyncIterator]: () => chunks }), bytes: undefined });

    expect(await read(body)).toEqual({ chunks: [] });
    body.end();
    expect(closed).toBe(0);
  });
});
