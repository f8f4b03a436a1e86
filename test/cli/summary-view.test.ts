import { describe, expect, it } from 'vitest';
import { summaryLines } from '../../cli/summary-view.ts';
import type { Cause } from '../../lib/report/causes.ts';

const summary = {
  run: 'r1',
  counts: { stored: 1_200, skipped: 3, failed: 222 },
  bytes: 2 * 1024 ** 2,
  seconds: 4,
  cost: 0,
  report: '/work-dir/out/.skyhaul/runs/r1/report.jsonl',
  failed: '/work-dir/out/.skyhaul/runs/r1/failed.jsonl',
  html: '/elsewhere/report.html',
};
const sample = (line: number, message = 'answered 404') => ({ line, url: `http://h/${line}`, message });
const missing: Cause = { error: 'NotFound', status: 404, count: 214, samples: [sample(7), sample(9), sample(12)] };
const lost: Cause = { error: 'HostNotFound', count: 8, samples: [sample(1, 'no a'), sample(2, 'no b')] };
const causes = [missing, lost];
const retry = { command: 'npx skyhaul redrive', withNetwork: 'npx skyhaul redrive --allow-network' };
const view = { summary, to: './out', causes, again: 222, retry, cwd: '/work-dir' };
const told = (more: Partial<typeof view> | object = {}) => summaryLines({ ...view, ...more }).join('\n');

describe('the end of a run', () => {
  it('tells counts, speed, why lines failed, where things are, and what to do about failures', () => {
    expect(told()).toBe(
      `
Run r1 took 0:04.

  stored         1,200   2.0 MiB, 512.0 KiB/s
  skipped            3
  failed           222

  214 x NotFound (404)
    Correct the URL or remove the line.
    line 7  http://h/7
      answered 404
    line 9  http://h/9
    line 12  http://h/12
    and 211 more
  8 x HostNotFound
    Correct the host in the URL.
    line 1  http://h/1
      no a
    line 2  http://h/2
      no b
    and 6 more

  files    ./out
  report   out/.skyhaul/runs/r1/report.jsonl
  page     /elsewhere/report.html
  failed   out/.skyhaul/runs/r1/failed.jsonl

Run the failed lines again:
  npx skyhaul redrive`,
    );
  });

  it('offers nothing to run again when nothing failed', () => {
    const done = { ...summary, counts: { stored: 1, skipped: 0, failed: 0 } };

    expect(told({ summary: done, causes: [], again: 0 })).not.toMatch(/again|redrive|failed\.jsonl/);
  });

  it('tells lines that were not tried from those that failed', () => {
    const counts = { stored: 1_200, skipped: 3, failed: 1_000_222 };
    const limited = { ...summary, counts, notTried: 1_000_000, limit: 'maxHours 1' };
    const rest = { ...limited, counts: { ...counts, failed: 1_000_000 } };

    const both = told({ summary: limited, again: 1_000_222 });
    const one = told({ summary: rest, causes: [], again: 1_000_000 });

    expect(both).toContain(
      '\n  failed           222\n  not tried  1,000,000\n\nThe run ended at a limit: maxHours 1.\n',
    );
    expect(both).toContain('Run the failed lines again, and those that were not tried:\n  npx');
    expect(one).toContain('\n  failed             0\n  not tried  1,000,000\n');
    expect(one).toContain('Go on with the lines that were not tried:\n  npx');
  });

  it('does not offer to run again what nobody can run: bad lines of the list', () => {
    const text = told({ again: 0 });

    expect(text).not.toMatch(/redrive|failed\.jsonl/);
    expect(text).toContain('correct the list');
  });

  it('offers to name the network of addresses that were refused', () => {
    const refused: Cause = { error: 'AddressRefused', count: 2, samples: [sample(3, '10.0.0.1 is not public')] };

    const mixed = told({ causes: [...causes, refused] });
    const alone = told({
      causes: [refused],
      again: 2,
      summary: { ...summary, counts: { ...summary.counts, failed: 2 } },
    });
    const deployed = told({ causes: [refused], again: 2, retry: { command: 'npx skyhaul redrive' } });

    const named = 'If you mean the networks that were refused:\n  npx skyhaul redrive --allow-network';
    expect(mixed).toContain(`Run the failed lines again:\n  npx skyhaul redrive\n\n${named}`);
    expect(alone).toContain(named);
    expect(alone).not.toContain('Run the failed lines again');
    expect(deployed).toMatch(/Run the failed lines again:\n {2}npx skyhaul redrive$/);
  });

  it('names some kinds of failure where there are many, and says where the others stand', () => {
    const many = Array.from({ length: 30 }, (_, status) => ({ ...missing, status, count: 2, samples: [sample(1)] }));
    const failed60 = { ...summary, counts: { ...summary.counts, failed: 60 } };

    const text = told({ causes: many, summary: failed60 });
    const none = told({ causes: [], summary: failed60 });

    expect(text.match(/ x NotFound/g)).toHaveLength(8);
    expect(text).toContain('\n  and 44 more: see out/.skyhaul/runs/r1/report.jsonl\n');
    expect(none).toContain('\n  60 lines failed: see out/.skyhaul/runs/r1/report.jsonl\n');
  });

  it('says that a list is empty', () => {
    const nothing = { ...summary, counts: { stored: 0, skipped: 0, failed: 0 }, bytes: 0 };

    expect(told({ summary: nothing, causes: [], again: 0 })).toContain(
      '\nThe list is empty: there was nothing to fetch.',
    );
    expect(told()).not.toContain('empty');
  });

  it('says in one line what begins with the URL itself', () => {
    const samples = [sample(7, 'http://h/7 answered 404'), sample(8, 'http://h/8 answered 404')];

    expect(told({ causes: [{ ...missing, samples }] })).toContain(
      '    line 7  http://h/7 answered 404\n    line 8  http://h/8 answered 404\n    and 212 more\n',
    );
  });

  it('cannot write to the terminal what a server sent', () => {
    const sent = { line: 1, url: 'http://h/\x1b[2J', message: 'a\x1b[2Jb' };

    expect(told({ causes: [{ ...missing, samples: [sent] }] })).not.toContain('\x1b');
  });
});
