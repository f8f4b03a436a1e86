import { describe, expect, it } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { BodyQueue } from '../../lib/source/body-queue.ts';

const KIB = 1024;

function queueWithLog() {
  const log: string[] = [];
  const queue = new BodyQueue({
    pause: () => log.push('pause'),
    resume: () => log.push('resume'),
    drop: async () => void log.push('drop'),
  });
  return { queue, log };
}

describe('BodyQueue', () => {
  it('hands on in order, to a reader that came before or after', async () => {
    const { queue } = queueWithLog();
    const early = queue.next();
    queue.push(Buffer.from('a'));
    queue.push(Buffer.from('b'));
    queue.push(Buffer.alloc(0));
    queue.end();

    expect(String((await early).value)).toBe('a');
    expect(String((await queue.next()).value)).toBe('b');
    expect(await queue.next()).toEqual({ value: undefined, done: true });
    expect(await queue.next()).toEqual({ value: undefined, done: true });
  });

  it('asks the writer to pause once when it is full, and to go on when it is half empty', async () => {
    const { queue, log } = queueWithLog();
    for (let piece = 0; piece < 4; piece += 1) queue.push(Buffer.alloc(48 * KIB));
    expect(log).toEqual(['pause']);

    await queue.next();
    await queue.next();
    expect(log).toEqual(['pause']);

    await queue.next();
    expect(log).toEqual(['pause', 'resume']);
  });

  it('tells an error behind the bytes that came before it, or at once', async () => {
    const error = new SkyhaulError('ConnectionLost', 'x');
    const behind = queueWithLog().queue;
    behind.push(Buffer.from('a'));
    behind.fail(error, 'behind-the-rest');
    const atOnce = queueWithLog().queue;
    atOnce.push(Buffer.from('a'));
    atOnce.fail(error, 'at-once');

    expect(String((await behind.next()).value)).toBe('a');
    await expect(behind.next()).rejects.toBe(error);
    await expect(atOnce.next()).rejects.toBe(error);
    await expect(atOnce.next()).rejects.toBe(error);
  });

  it('takes nothing behind its end', async () => {
    const { queue } = queueWithLog();
    queue.end();
    queue.push(Buffer.from('late'));
    queue.fail(new SkyhaulError('ConnectionLost', 'late'), 'behind-the-rest');

    expect((await queue.next()).done).toBe(true);
  });

  it('drops the source when the reader leaves', async () => {
    const { queue, log } = queueWithLog();
    queue.push(Buffer.from('a'));

    for await (const _chunk of queue) break;

    expect(log).toEqual(['drop']);
  });
});
