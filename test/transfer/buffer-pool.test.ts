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

    expect(await waiting).toBe(first);
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

  it('refuses a part that it can never hold', async () => {
    await expect(new BufferPool(10).take(11, never)).rejects.toMatchObject({ name: 'TooLarge' });
  });
});
