import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BytePace } from '../../lib/transfer/byte-pace.ts';

/** Readers that take turns as their waits end, on a clock of their own. */
async function readAll(bytesPerSecond: number, chunks: readonly number[], readers: number) {
  const clock = { now: 1_000 };
  let latest = clock.now;
  const pace = new BytePace(
    bytesPerSecond,
    () => clock.now,
    async (ms) => {
      latest = Math.max(latest, clock.now + ms);
    },
  );
  const receivedAt: number[] = [];
  for (const [index, bytes] of chunks.entries()) {
    receivedAt.push(clock.now);
    await pace.pay(bytes);
    // The next reader comes at once, as long as each has only one chunk to pay for.
    if (index % readers === readers - 1) clock.now = latest;
  }
  return { receivedAt, endsAt: latest };
}

describe('the bytes that an invocation reads', () => {
  it('are no more than its share in any stretch of time, beside what its readers hold', async () => {
    const chunks = fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 200 });

    await fc.assert(
      fc.asyncProperty(
        chunks,
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 100, max: 10_000_000 }),
        async (sizes, readers, rate) => {
          const { receivedAt } = await readAll(rate, sizes, readers);
          let received = 0;
          for (const [index, bytes] of sizes.entries()) {
            received += bytes;
            const seconds = ((receivedAt[index] ?? 0) - 1_000) / 1_000;

            expect(received).toBeLessThanOrEqual(rate * (seconds + 0.06) + (readers + 1) * 65_536);
          }
        },
      ),
    );
  });

  it('are not much less either when there is always something to read', async () => {
    const { endsAt } = await readAll(
      1_000_000,
      Array.from({ length: 500 }, () => 16_384),
      4,
    );

    expect(endsAt - 1_000).toBeGreaterThan(8_100);
    expect(endsAt - 1_000).toBeLessThan(8_300);
  });

  it('are not saved up while nobody reads', async () => {
    const clock = { now: 1_000 };
    const waits: number[] = [];
    const pace = new BytePace(
      1_000,
      () => clock.now,
      async (ms) => void waits.push(ms),
    );
    await pace.pay(1_000);
    clock.now += 3_600_000;
    await pace.pay(10_000);

    expect(waits).toEqual([1_000 - 50, 10_000 - 50]);
  });
});
