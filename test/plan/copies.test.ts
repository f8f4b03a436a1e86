import { describe, expect, it } from 'vitest';
import type { OutcomeRow } from '../../lib/contract/ledger-row.ts';
import { options } from '../../lib/contract/options.ts';
import { RequestIndex } from '../../lib/manifest/request-index.ts';
import { afterFirst, isCopyable } from '../../lib/plan/copies.ts';
import { decideNext } from '../../lib/plan/decide-next.ts';
import { answeringHosts } from '../../lib/plan/host-trouble.ts';
import type { Left } from '../../lib/plan/status.ts';

const URL = 'https://a.example/f';
const left = (more: Partial<Left> = {}): Left => ({
  index: 4,
  line: 5,
  host: 'a.example',
  attempts: 0,
  notBefore: 0,
  crashes: 0,
  ...more,
});
const first = (more: Partial<OutcomeRow>): OutcomeRow => ({
  row: 'outcome',
  index: 1,
  line: 2,
  url: URL,
  outcome: 'stored',
  attempts: 1,
  ...more,
});

describe('a line that waits for another one', () => {
  const waiting = left({ waitsFor: 1, bytes: 3 });
  const { waitsFor: _, ...fetched } = waiting;

  it('is copied of what that one was stored as', () => {
    const row = first({ key: 'k', objectEtag: '"e"', bytes: 9 });

    expect(afterFirst(waiting, row)).toEqual({
      left: { ...fetched, bytes: 9, copyOf: { line: 2, key: 'k', etag: '"e"' } },
    });
  });

  it('is copied of what stood there already and has not changed', () => {
    const row = first({ key: 'k', outcome: 'skipped', reason: 'unchanged' });

    expect(afterFirst(waiting, row)).toEqual({ left: { ...fetched, copyOf: { line: 2, key: 'k' } } });
  });

  it.each([
    ['stood there unseen', first({ key: 'k', outcome: 'skipped', reason: 'exists' })],
    ['failed by its key', first({ key: 'k', outcome: 'failed', error: 'KeyRefused' })],
    ['lost the race for its key', first({ key: 'k', outcome: 'failed', error: 'CommitConflict' })],
    ['is known of nothing', undefined],
  ])('is fetched where that one %s', (_, row) => {
    expect(afterFirst(waiting, row)).toEqual({ left: fetched });
  });

  it('fails as that one did, and says which it was', () => {
    const row = first({ outcome: 'failed', error: 'NotFound', message: '404', status: 404, attempts: 3 });

    expect(afterFirst(waiting, row)).toEqual({
      failed: {
        row: 'outcome',
        index: 4,
        line: 5,
        url: '',
        outcome: 'failed',
        error: 'NotFound',
        message: 'line 2 asks for the same and failed: 404',
        status: 404,
        attempts: 0,
      },
    });
  });

  it('is not ready, and nobody waits for its time', () => {
    const facts = { now: 0, startedAt: 0, maxHours: 1 };
    const ready = left({ index: 1 });

    expect(decideNext({ ...facts, left: [ready, waiting] })).toEqual({ step: 'fan-out', ready: [ready] });
    expect(decideNext({ ...facts, left: [left({ index: 1, notBefore: 60_000 }), waiting] })).toEqual({
      step: 'wait',
      seconds: 60,
    });
  });
});

describe('a line that was copied', () => {
  it('says nothing of its host, which nobody has asked', () => {
    const outcomes = new Map([[4, first({ index: 4 })]]);
    const fold = { outcomes, deferred: new Map(), checkpoints: new Map(), crashed: false, busyUntil: 0 };

    expect([...answeringHosts([left()], fold)]).toEqual(['a.example']);
    expect([...answeringHosts([left({ copyOf: { line: 2, key: 'k' } })], fold)]).toEqual([]);
  });
});

describe('isCopyable', () => {
  const asked = options.parse({ duplicates: 'copy' });

  it('takes what makes one object, only when asked to', () => {
    expect(isCopyable({ item: { url: URL } }, asked)).toBe(true);
    expect(isCopyable({ item: { url: URL } }, options.parse({}))).toBe(false);
    expect(isCopyable({ item: { url: URL } }, options.parse({ duplicates: 'fetch' }))).toBe(false);
  });

  it.each([
    ['POST', { method: 'POST' }, {}],
    ['POST for all', {}, { request: { method: 'POST' } }],
    ['a body', { body: 'x' }, {}],
    ['headers alone', { result: 'head' }, {}],
    ['several objects', { transform: [{ name: 'untar' }] }, {}],
    ['an archived object', {}, { storageClass: 'DEEP_ARCHIVE' }],
  ] as const)('takes no %s', (_, item, more) => {
    const given = options.parse({ duplicates: 'copy', ...more });

    expect(isCopyable({ item: { url: URL, ...item } as never }, given)).toBe(false);
  });

  it('takes none whose source names the file', () => {
    expect(isCopyable({ item: { url: URL }, nameAt: 0 }, asked)).toBe(false);
  });
});

describe('RequestIndex', () => {
  it('tells the first item that asked for the same, whatever its key and name, the first of the list too', () => {
    const requests = new RequestIndex();

    const found = [
      requests.firstOf(0, { url: URL, key: 'a', id: '1' }),
      requests.firstOf(1, { url: `${URL}?q`, key: 'b' }),
      requests.firstOf(2, { url: URL, key: 'c', id: '2' }),
      requests.firstOf(3, { key: 'd', url: `${URL}?q` }),
      requests.firstOf(4, { url: URL, headers: { accept: '*/*' } }),
    ];

    expect(found).toEqual([undefined, undefined, 0, 1, undefined]);
  });
});
