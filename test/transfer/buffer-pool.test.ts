import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../lib/transfer/buffer-pool.ts';

const never = new AbortController().signal;

describe('BufferPool', () => {
  it('makes a lane wait for a buffer when the budget is out, and hands the same memory on', async () => {
    const pool = new BufferPool(20);
    const [first] = [await pool.take(10, never), await pool.take(10, never)];
    let isServed = false;
    const waiting = pool.take(10, never).then((buffer) => {
      isServed = true;
      return buffer;
    });

    await new Promise((resolve) => setImmediate(resolve));
    expect(isServed).toBe(false);
    pool.give(first);

    expect((await waiting).buffer).toBe(first?.buffer);
  });

  it('serves in order, so that small requests never starve a large one', async () => {
    const pool = new BufferPool(20);
    const held = await pool.take(10, never);
    const order: string[] = [];
    const large = pool.take(20, never).then((buffer) => {
      order.push('large');
      pool.give(buffer);
    });
    const small = pool.take(5, never).then(() => order.push('small'));

    pool.give(held);
    await Promise.all([large, small]);

    expect(order).toEqual(['large', 'small']);
  });

  it('lets go of whoever is aborted while waiting', async () => {
    const pool = new BufferPool(10);
    const held = await pool.take(10, never);
    const abort = new AbortController();
    const waiting = pool.take(10, abort.signal);

    abort.abort(new Error('stopped'));

    await expect(waiting).rejects.toThrow('stopped');
    pool.give(held);
    expect((await pool.take(10, never)).length).toBe(10);
  });

  it('uses memory again for a buffer that is a little smaller, and not for one that is much smaller', async () => {
    const pool = new BufferPool(100);
    const held = await pool.take(50, never);
    pool.give(held);

    const tiny = await pool.take(20, never);
    const similar = await pool.take(40, never);

    expect(similar).toHaveLength(40);
    expect(similar.buffer).toBe(held.buffer);
    expect(tiny.buffer).not.toBe(held.buffer);
  });

  it('gives memory that lies idle back when it is told to', async () => {
    const pool = new BufferPool(100);
    const [first, second] = [await pool.take(50, never), await pool.take(40, never)];
    pool.give(first);

    pool.letGo();

    expect(pool.idleBytes).toBe(0);
    expect((await pool.take(60, never)).buffer).not.toBe(first.buffer);
    pool.give(second);
    expect(pool.idleBytes).toBe(40);
  });

  it('I7: never holds more memory than its budget, whatever is asked for and given back', async () => {
    const step = fc.oneof(
      fc.record({ take: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ give: fc.nat({ max: 9 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const pool = new BufferPool(100);
        const held: Buffer[] = [];
        let waiting = 0;
        for (const one of steps) {
          if ('take' in one) {
            waiting += 1;
            void pool.take(one.take, never).then((buffer) => {
              waiting -= Number(buffer.length === one.take);
              held.push(buffer);
            });
          } else for (const buffer of held.splice(one.give, 1)) pool.give(buffer);
          await new Promise((resolve) => setImmediate(resolve));

          const heldBytes = held.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
          expect(heldBytes + pool.idleBytes).toBeLessThanOrEqual(100);
          expect(new Set(held.map(({ buffer }) => buffer)).size).toBe(held.length);
        }
        // Whoever waits is served in the end.
        for (let rounds = 0; rounds <= steps.length; rounds += 1) {
          for (const buffer of held.splice(0)) pool.give(buffer);
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect(waiting).toBe(0);
      }),
    );
  });

  it('refuses a part that it can never hold', async () => {
    await expect(new BufferPool(10).take(11, never)).rejects.toMatchObject({ name: 'TooLarge' });
  });
});
