import { describe, expect, it } from 'vitest';
import { costOf } from '../../lib/report/cost.ts';
import { reportHtml } from '../../lib/report/report-html.ts';
import { failedLine } from '../../lib/report/report-lines.ts';

const summary = {
  run: 'r',
  counts: { stored: 1, skipped: 0, failed: 300 },
  bytes: 1_234_567,
  seconds: 2.5,
  cost: 0,
  report: 's3://b/report.jsonl',
  failed: 's3://b/failed.jsonl',
  html: 's3://b/report.html',
};

describe('reportHtml', () => {
  it('lets nothing of a source become markup', () => {
    const url = 'https://a.example/<script>alert(1)</script>';

    const page = reportHtml(summary, [{ line: 1, url, error: 'NotFound', message: '"><img src=x onerror=1>' }]);

    expect(page).not.toContain('<script');
    expect(page).not.toContain('<img');
    expect(page).toContain('&lt;script&gt;');
  });

  it('says why lines failed, and tells those that were not tried from them', () => {
    const causes = [{ error: 'Throttled' as const, status: 429, count: 1_200, samples: [] }];
    const sample = { line: 7, url: 'https://a.example/', error: 'NotFound' as const, message: 'status 404' };

    const page = reportHtml({ ...summary, notTried: 100 }, [sample], causes);

    expect(page).toContain('<dt>failed</dt><dd>200</dd>');
    expect(page).toContain('<dt>not tried</dt><dd>100</dd>');
    expect(page).toContain('<tr><td>1,200<td><strong>Throttled (429)</strong>');
    expect(page).toContain('The first 1 of 200 failed lines');
    expect(reportHtml(summary, [])).not.toContain('not tried');
  });

  it('says how many failed lines it does not show, and what to do about those it shows', () => {
    const page = reportHtml(summary, [
      { line: 7, url: 'https://a.example/', error: 'NotFound', message: 'status 404' },
    ]);

    expect(page).toContain('The first 1 of 300 failed lines');
    expect(page).toContain('Correct the URL or remove the line.');
  });
});

describe('costOf', () => {
  it('adds requests, compute and orchestration at list price', () => {
    const spent = { put: 1_000_000, get: 1_000_000, gigabyteSeconds: 60_000, invocations: 10_000 };

    // 5.00 + 0.40 for S3, 0.800004 + 0.002 for Lambda, 1.00 for Step Functions.
    expect(costOf(spent, true)).toBe(7.202);
  });

  it('charges nothing for what runs and stays on a machine of your own', () => {
    expect(costOf({ put: 1_000, get: 1_000, gigabyteSeconds: 0, invocations: 0 }, false)).toBe(0);
  });
});

describe('failedLine', () => {
  const listed = { index: 0, line: 1, key: 'k', item: { url: 'https://a.example/?sig=1', sha256: 'a'.repeat(64) } };
  const outcome = { line: 1, url: 'https://a.example/', outcome: 'failed', error: 'NotFound', attempts: 1 } as const;

  it('keeps the item as it was asked for and pins the key it would have got', () => {
    expect(failedLine({ listed, outcome }, {})).toEqual({
      ...listed.item,
      key: 'k',
      error: { name: 'NotFound' },
    });
  });

  it('takes the request of the batch along, under what the item says itself', () => {
    const request = { headers: { a: 'batch', b: 'batch' }, userAgent: 'batch' };
    const own = { ...listed, item: { ...listed.item, request: { headers: { a: 'own' } } } };

    expect(failedLine({ listed: own, outcome }, { request })).toMatchObject({
      request: { headers: { a: 'own', b: 'batch' }, userAgent: 'batch' },
    });
  });

  it('takes the transforms of the batch along, unless the item has its own', () => {
    const ofBatch = [{ name: 'gunzip' }] as const;
    const own = {
      ...listed,
      item: { ...listed.item, transform: [{ name: 'unzstd', maxWindowBytes: 1_024 }] },
    } as const;

    expect(failedLine({ listed, outcome }, { transform: [...ofBatch] })).toMatchObject({ transform: ofBatch });
    expect(
      failedLine(
        { listed: { ...own, item: { ...own.item, transform: [...own.item.transform] } }, outcome },
        { transform: [...ofBatch] },
      ),
    ).toMatchObject({
      transform: own.item.transform,
    });
  });

  it('leaves out what was stored, and a bad line, which nobody could run again', () => {
    expect(failedLine({ listed, outcome: { ...outcome, outcome: 'stored' } }, {})).toBeUndefined();
    expect(failedLine({ listed: undefined, outcome }, {})).toBeUndefined();
  });
});
