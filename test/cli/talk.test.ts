import { describe, expect, it } from 'vitest';
import { errorLines } from '../../cli/error-view.ts';
import { EventLines } from '../../cli/event-lines.ts';
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
    talk.event({ event: 'run.planned', run: 'r', round: 1, items: 1, shards: 1 });
    talk.event({ event: 'item.started', line: 1, url: 'http://h/f', key: 'a-key' });
    talk.event({ event: 'run.waiting', run: 'r', seconds: 75 });
    const refusing = [{ host: 'a.test:8080', error: 'Throttled' }];
    talk.event({ event: 'run.waiting', run: 'r', seconds: 5, refusing });
    talk.stop();

    expect(writes).toEqual([
      '12,000 items in 4 shards\n',
      'round 2: 1 item in 1 shard\n',
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
