import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProgressScreen } from '../../cli/progress-screen.ts';
import { applyEvent, bytesPerSecond, startProgress, takeSample } from '../../cli/progress-state.ts';
import { renderProgress } from '../../cli/progress-view.ts';
import type { ShownEvent } from '../../cli/shown-event.ts';
import { columnsOf, fitText, plainText } from '../../cli/terminal-text.ts';
import type { RunEvent } from '../../lib/run-context.ts';

const MiB = 1024 ** 2;
const planned: RunEvent = { event: 'run.planned', run: 'r', round: 0, items: 3, shards: 1 };
const url = 'http://h/f';

function progressAfter(events: readonly ShownEvent[], now = 0) {
  const state = startProgress(0);
  for (const event of events) applyEvent(state, event, now);
  return state;
}

const started = (line: number, key = `file-${line}`): RunEvent => ({ event: 'item.started', line, url, key });
const moved = (line: number, bytes: number, totalBytes?: number): RunEvent => {
  return { event: 'item.progress', line, bytes, totalBytes };
};
const ended = (line: number, outcome: 'stored' | 'skipped' | 'failed', bytes?: number): RunEvent => {
  return { event: 'item.ended', outcome: { line, url, outcome, bytes, attempts: 1 } };
};

describe('what is known of a run', () => {
  it('counts outcomes and what is left of the list', () => {
    const state = progressAfter([planned, started(1), ended(1, 'stored', 5), ended(2, 'failed')]);

    expect(state.counts).toEqual({ stored: 1, skipped: 0, failed: 1 });
    expect(state.total).toBe(3);
    expect(state.movedBytes).toBe(5);
  });

  it('counts what waits for its host as left, though no round has it', () => {
    const state = progressAfter([planned, ended(1, 'stored'), { ...planned, round: 1, items: 1, left: 2 }]);

    expect(state.total).toBe(3);
  });

  it('keeps the total when a later round plans what is left', () => {
    const state = progressAfter([planned, ended(1, 'stored'), { ...planned, round: 1, items: 2 }]);

    expect(state.total).toBe(3);
  });

  it('counts bytes that are fetched again, but an item that begins anew not backwards', () => {
    const state = progressAfter([
      planned,
      started(1),
      moved(1, 70),
      moved(1, 20),
      moved(1, 100),
      ended(1, 'stored', 100),
    ]);

    expect(state.movedBytes).toBe(70 + 20 + 80);
  });

  it('tells several items of one line apart, as a pattern makes them', () => {
    const of = (index: number, bytes: number): RunEvent[] => [
      { event: 'item.started', line: 1, index, url, key: `file-${index}` },
      { event: 'item.progress', line: 1, index, bytes, totalBytes: 100 },
    ];

    const state = progressAfter([planned, ...of(0, 70), ...of(1, 20), { ...moved(1, 90), index: 0 } as RunEvent]);
    applyEvent(state, { ...ended(1, 'stored', 100), index: 0 } as RunEvent, 0);

    expect(state.movedBytes).toBe(100 + 20);
    expect([...state.active.values()].map(({ key }) => key)).toEqual(['file-1']);
  });

  it('begins where the run is, for who comes late, and is set right by every round', () => {
    const counts = { stored: 5, skipped: 2, failed: 1 };
    const position = { event: 'run.position', run: 'r', round: 3, counts, left: 2, bytes: 700 } as const;

    const state = progressAfter([position, { ...planned, items: 2 }, ended(9, 'stored', 10)]);

    expect(state.counts).toEqual({ stored: 6, skipped: 2, failed: 1 });
    expect(state).toMatchObject({ total: 10, movedBytes: 710, round: 0 });
    applyEvent(state, { ...position, round: 4, left: 1 }, 0);
    expect(state).toMatchObject({ counts, total: 9, round: 4 });
  });

  it('forgets what was under way when the round is over', () => {
    const state = progressAfter([planned, started(1), { event: 'run.waiting', run: 'r', seconds: 20 }], 1_000);

    expect(state.active.size).toBe(0);
    expect(state.waitUntil).toBe(21_000);
  });

  it('takes the rate from the last seconds, not from the whole run', () => {
    const state = progressAfter([planned, started(1)]);
    takeSample(state, 0);
    for (let second = 1; second <= 20; second += 1) {
      applyEvent(state, moved(1, second <= 10 ? second * 10 * MiB : 100 * MiB + (second - 10) * MiB), second * 1_000);
      takeSample(state, second * 1_000);
    }

    expect(bytesPerSecond(state)).toBe(MiB);
  });

  it('stays small however many items pass', () => {
    const state = startProgress(0);
    for (let line = 1; line <= 200_000; line += 1) {
      applyEvent(state, started(line), line);
      applyEvent(state, ended(line, 'failed'), line);
    }

    expect(state.counts.failed).toBe(200_000);
    expect(state.active.size).toBe(0);
  });
});

describe('the live view', () => {
  it('shows each item under way with its bar, and the whole run below', () => {
    const state = progressAfter([planned, started(1, 'a/b.bin'), moved(1, 50 * MiB, 200 * MiB), ended(2, 'skipped')]);

    expect(renderProgress(state, { columns: 100, rows: 24, now: 2_000 })).toEqual([
      `  ${'a/b.bin'.padEnd(37)}  █████░░░░░░░░░░░░░░░     50.0 MiB / 200.0 MiB   25.0 MiB/s`,
      '0 stored · 1 skipped · 2 to go · 50.0 MiB · 0:02',
    ]);
  });

  it('counts down a retry and a wait', () => {
    const retrying: RunEvent = { event: 'item.retrying', line: 1, error: 'ConnectionLost', afterMs: 5_000 };

    const [item] = renderProgress(progressAfter([planned, started(1), retrying]), {
      columns: 80,
      rows: 24,
      now: 2_000,
    });
    const [total] = renderProgress(progressAfter([{ event: 'run.waiting', run: 'r', seconds: 90 }]), {
      columns: 80,
      rows: 24,
      now: 30_000,
    });

    expect(item).toContain('ConnectionLost, again in 3 s');
    expect(total).toContain('waiting 1:00');
  });

  it('is never wider or higher than the terminal, whatever the keys are', () => {
    const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        fc.array(key, { maxLength: 20 }),
        fc.integer({ min: 11, max: 300 }),
        fc.integer({ min: 2, max: 50 }),
        (keys, columns, rows) => {
          const state = progressAfter([planned, ...keys.map((text, index) => started(index + 1, text))]);
          const lines = renderProgress(state, { columns, rows, now: 5_000 });
          expect(lines.length).toBeLessThan(Math.max(rows, 4));
          for (const line of lines) expect(columnsOf(line)).toBeLessThan(columns);
        },
      ),
    );
  });
});

describe('text for a terminal', () => {
  it('cannot move the cursor, change colours or turn the reading direction', () => {
    expect(plainText('a\x1b[2J\r\n\u202eb\u0085c')).toBe('a·[2J···b·c');
  });

  it('loses its middle when it is too long', () => {
    expect(fitText('folder/very-long-name.bin', 11)).toBe('folde…e.bin');
    expect(columnsOf(fitText('日本語日本語日本語', 8))).toBeLessThanOrEqual(8);
  });
});

describe('the screen', () => {
  function open(columns = 80) {
    const writes: string[] = [];
    const stream = { columns, rows: 24, write: (text: string) => writes.push(text) };
    return { writes, stream, screen: new ProgressScreen(stream) };
  }

  it('draws a frame in one write, and nothing when nothing changed', () => {
    const { writes, screen } = open();

    screen.draw(['a', 'b']);
    screen.draw(['a', 'b']);
    screen.draw(['a', 'c']);

    expect(writes).toEqual(['\x1b[?25la\x1b[K\nb\x1b[K\n\x1b[J', '\x1b[?25l\x1b[2A\ra\x1b[K\nc\x1b[K\n\x1b[J']);
  });

  it('finds its first row again when the terminal became narrower', () => {
    const { writes, stream, screen } = open();
    screen.draw(['x'.repeat(70)]);

    stream.columns = 40;
    screen.draw(['y']);

    expect(writes[1]).toContain('\x1b[2A\r');
  });

  it('gives the cursor back', () => {
    const { writes, screen } = open();
    screen.draw(['a']);

    screen.clear();

    expect(writes.at(-1)).toBe('\x1b[1A\r\x1b[J\x1b[?25h');
  });
});
