import { describe, expect, it } from 'vitest';
import { errorLines } from '../../cli/error-view.ts';
import { EventLines } from '../../cli/event-lines.ts';
import { summaryLines } from '../../cli/summary-view.ts';
import { Talk } from '../../cli/talk.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { until } from './skyhaul-process.ts';

function listen(mode: 'live' | 'plain' | 'quiet') {
  const writes: string[] = [];
  const stream = { columns: 80, rows: 24, write: (text: string) => writes.push(text) };
  return { writes, talk: new Talk({ stream, mode, now: () => 1_000 }) };
}

describe('what is said while a run goes on', () => {
  it('is drawn on a terminal, with lines that stay above it, and taken away at the end', async () => {
    const { writes, talk } = listen('live');

    talk.start();
    talk.event({ event: 'item.started', line: 1, url: 'http://h/f', key: 'a-key' });
    await until(() => writes.length > 0);
    talk.say(['stays']);
    talk.stop();

    expect(writes[0]?.startsWith('\x1b[?25l  a-key')).toBe(true);
    expect(writes.join('')).toContain('\x1b[J\x1b[?25hstays\n');
    expect(writes.at(-1)?.endsWith('\x1b[J\x1b[?25h')).toBe(true);
  });

  it('is a few plain lines without a terminal', () => {
    const { writes, talk } = listen('plain');

    talk.event({ event: 'run.planned', run: 'r', round: 0, items: 12_000, shards: 4 });
    talk.event({ event: 'item.started', line: 1, url: 'http://h/f', key: 'a-key' });
    talk.event({ event: 'run.waiting', run: 'r', seconds: 75 });
    const refusing = [{ host: 'a.test:8080', error: 'Throttled' }];
    talk.event({ event: 'run.waiting', run: 'r', seconds: 5, refusing });
    talk.stop();

    expect(writes).toEqual([
      '12,000 items in 4 shards\n',
      'waiting 1:15 before the next attempts\n',
      'waiting 0:05 before the next attempts (a.test:8080: Throttled)\n',
    ]);
  });

  it('is nothing but errors when asked to be quiet', () => {
    const { writes, talk } = listen('quiet');

    talk.event({ event: 'run.waiting', run: 'r', seconds: 75 });
    talk.say(['hello']);
    talk.complain(['wrong']);

    expect(writes).toEqual(['wrong\n']);
  });
});

describe('events as lines', () => {
  it('go out in blocks, with one progress line a second for each item', () => {
    const writes: string[] = [];
    let now = 0;
    const lines = new EventLines(
      (text) => writes.push(text),
      () => now,
    );

    for (now = 0; now < 2_000; now += 100) {
      lines.add({ event: 'item.progress', line: 1, bytes: now, totalBytes: undefined });
    }
    lines.flush();
    lines.flush();

    expect(writes).toHaveLength(1);
    expect(
      writes[0]
        ?.trim()
        .split('\n')
        .map((line) => JSON.parse(line).bytes),
    ).toEqual([0, 1_000]);
  });
});

describe('an error', () => {
  it('cannot write to the terminal what a server sent', () => {
    const lines = errorLines(new SkyhaulError('NotFound', 'a\x1b[2Jb'));

    expect(lines).toEqual(['skyhaul: NotFound: a·[2Jb', '  Correct the URL or remove the line.']);
  });

  it('comes with its stack only when it is ours', () => {
    expect(errorLines(new SkyhaulError('Unexpected', 'x', { cause: new Error('x') })).join('\n')).toMatch(/\n\s+at /);
    expect(errorLines(new SkyhaulError('StoreFailed', 'x', { cause: new Error('x') })).join('\n')).not.toMatch(/ at /);
  });
});

describe('the end of a run', () => {
  const summary = {
    run: 'r1',
    counts: { stored: 1_200, skipped: 3, failed: 12 },
    bytes: 2 * 1024 ** 2,
    seconds: 4,
    cost: 0,
    report: '/work-dir/out/.skyhaul/runs/r1/report.jsonl',
    failed: '/work-dir/out/.skyhaul/runs/r1/failed.jsonl',
    html: '/elsewhere/report.html',
  };

  it('tells counts, speed, where things are, and what to do about failures', () => {
    const failures = [
      {
        line: 7,
        url: 'http://h/f',
        outcome: 'failed',
        error: 'NotFound',
        message: 'answered 404',
        attempts: 1,
      } as const,
    ];

    const lines = summaryLines({ summary, to: './out', failures, retry: 'npx skyhaul …', cwd: '/work-dir' });

    expect(lines.join('\n')).toBe(
      `
Run r1 took 0:04.

  stored        1,200   2.0 MiB, 512.0 KiB/s
  skipped           3
  failed           12

  line 7  http://h/f
    NotFound: answered 404
    Correct the URL or remove the line.
  and 11 more: see the report

  files    ./out
  report   out/.skyhaul/runs/r1/report.jsonl
  page     /elsewhere/report.html
  failed   out/.skyhaul/runs/r1/failed.jsonl

Run the failed lines again:
  npx skyhaul …`,
    );
  });

  it('offers nothing to run again when nothing failed', () => {
    const done = { ...summary, counts: { stored: 1, skipped: 0, failed: 0 } };

    expect(summaryLines({ summary: done, to: 's3://b', failures: [], retry: 'again', cwd: '/' }).join()).not.toContain(
      'again',
    );
  });
});
