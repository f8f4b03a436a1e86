import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrawlTurns, type TurnShare } from '../../lib/source/crawl-turns.ts';

const BEGIN = 1_800_000_000_000;
const ALONE: TurnShare = { number: 0, of: 1 };
const turn = (share: TurnShare, delayMs = 2_000, isFresh = true) => ({ host: 'a.test', delayMs, share, isFresh });

describe('turns at a host that wants some time between two requests', () => {
  it('are that time apart, and the first one is now', () => {
    const turns = new CrawlTurns();

    expect([1, 2, 3].map(() => turns.take(turn(ALONE), BEGIN))).toEqual([BEGIN, BEGIN + 2_000, BEGIN + 4_000]);
    expect(turns.take(turn(ALONE), BEGIN + 60_000)).toBe(BEGIN + 60_000);
    expect(turns.take({ ...turn(ALONE), host: 'b.test' }, BEGIN)).toBe(BEGIN);
  });

  it('of one who comes after others of the run begin that time later', () => {
    expect(new CrawlTurns().take(turn(ALONE, 2_000, false), BEGIN)).toBe(BEGIN + 2_000);
  });

  it('are that time apart over all workers, none of whom knows of the others', () => {
    const asks = fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(asks, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 10_000 }),
        (workers, ms) => {
          const starts = workers.flatMap((pauses, number) => {
            const turns = new CrawlTurns();
            let now = BEGIN;
            return pauses.map((pause) => {
              const startAt = turns.take(turn({ number, of: workers.length }, ms), now);
              expect(startAt).toBeGreaterThanOrEqual(now);
              // Whoever always asks has one of so many turns.
              expect(startAt).toBeLessThanOrEqual(now + ms * (workers.length + 1));
              now = startAt + pause;
              return startAt;
            });
          });

          starts.sort((a, b) => a - b);

          for (const [index, at] of starts.entries()) {
            if (index > 0) expect(at - (starts[index - 1] ?? 0)).toBeGreaterThanOrEqual(ms);
          }
        },
      ),
    );
  });

  it('of a host that was forgotten among too many are those of one that is new', () => {
    const turns = new CrawlTurns();
    turns.take(turn(ALONE), BEGIN);
    for (let host = 0; host < 10_000; host += 1) turns.take({ ...turn(ALONE), host: `h${host}` }, BEGIN);

    expect(turns.take(turn(ALONE), BEGIN)).toBe(BEGIN);
    expect(turns.take({ ...turn(ALONE), host: 'h9999' }, BEGIN)).toBe(BEGIN + 2_000);
  });
});
