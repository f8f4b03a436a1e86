import { describe, expect, it } from 'vitest';
import { Turns } from '../../lib/source/turns.ts';

describe('Turns', () => {
  it('are taken one after another, in order, and are over when the last has ended', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const done = Promise.withResolvers<void>();
    for (const [index, gate] of gates.entries()) {
      turns.take(async () => {
        seen.push(`begins ${index}`);
        await gate.promise;
        seen.push(`ends ${index}`);
      });
    }
    turns.take(async () => done.resolve());

    gates[1]?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    const before = [...seen];
    gates[0]?.resolve();
    await done.promise;
    await new Promise((resolve) => setImmediate(resolve));

    expect(before).toEqual(['begins 0']);
    expect(seen).toEqual(['begins 0', 'ends 0', 'begins 1', 'ends 1']);
    expect(turns.areOver).toBe(true);
  });

  it('are not over while one waits', () => {
    const turns = new Turns();

    turns.take(() => new Promise(() => {}));

    expect(turns.areOver).toBe(false);
  });
});
