import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { fetchPages } from '../../examples/library/download-many.ts';
import { fetchRelease } from '../../examples/library/download-one.ts';
import { readJson, saveAdults } from '../../examples/library/pipe-stream.ts';
import { convertFile, lookUp } from '../../examples/library/post-stream.ts';
import { findSlowRequests } from '../../examples/library/read-lines.ts';
import { sha256Of } from '../../examples/library/read-stream.ts';
import { fetchFor } from '../../examples/library/stop-downloads.ts';
import { writeReport } from '../../examples/library/upload-generator.ts';
import { storeWithDigests } from '../../examples/library/watch-chunks.ts';
import { bodyOf, startBodyHost } from '../source/body-host.ts';
import { collect, it, local, until } from './fixture.ts';

const root = join(import.meta.dirname, '../..');
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Only what the library may be imported as, and from nowhere else: the type checker sees these files, too. */
describe('docs/library.md', () => {
  const page = readFileSync(join(root, 'docs/library.md'), 'utf8');
  const files = readdirSync(join(root, 'examples/library')).map((name) =>
    readFileSync(join(root, 'examples/library', name), 'utf8'),
  );

  it('shows the examples that are run below, as they are, and no others', () => {
    const shown = Array.from(page.matchAll(/^```\w*\n(.*?)^```/gms), ([, code]) => code);

    expect(shown.toSorted()).toEqual(files.toSorted());
  });

  it('names every function that is exported', async () => {
    const exported = Object.keys(await import('skyhaul')).filter((name) => name !== 'SkyhaulError');

    expect(exported.toSorted()).toEqual(['download', 'downloadAll', 'jsonLines', 'lines', 'stream', 'upload']);
    for (const name of exported) expect(page).toMatch(new RegExp(`\`${name}\\(`));
  });
});

describe('the examples', () => {
  it('read lines', async ({ origin }) => {
    origin.on('/access.log', { body: 'GET /a 0.1\nGET /b 2.5\nGET /c 1.0\nGET /d 7' });

    expect(await findSlowRequests(origin.url('/access.log'), local)).toEqual(['GET /b 2.5', 'GET /d 7']);
  });

  it('read a stream', async ({ origin }) => {
    origin.on('/f', { body: 'the file' });

    expect(await sha256Of(origin.url('/f'), local)).toBe(sha256('the file'));
    expect(await sha256Of(origin.url('/none'), local)).toBe('there is no such file');
    await until(() => origin.connections.open === 0);
  });

  it('pipe a stream', async ({ origin, to }) => {
    origin.on('/data', { body: '{"a":[1]}', headers: { 'Content-Type': 'application/json; charset=utf-8' } });
    origin.on('/people.csv.gz', { body: gzipSync('id,name,age\n1,Ann,18\n2,Bob,17\n') });

    await saveAdults(origin.url('/people.csv.gz'), join(to, 'adults.csv'), local);

    expect(await readFile(join(to, 'adults.csv'), 'utf8')).toBe('name,age\nAnn,18\n');
    expect(await readJson(origin.url('/data'), local)).toEqual({ a: [1] });
  });

  it('download one', async ({ origin, to }) => {
    origin.on('/release', { body: 'bytes' });
    const fetch = (digest: string) => fetchRelease(origin.url('/release'), digest, { ...local, to, key: 'r' });

    expect(await fetch('0'.repeat(64))).toContain('DigestMismatch');
    expect(await fetch(sha256('bytes'))).toBe('r: stored, 5 bytes');
  });

  it('download many', async ({ origin, to }) => {
    for (const page of [1, 2, 3]) origin.on(`/pages/${page}`, { body: `page ${page}` });

    const summary = await fetchPages(origin.url(''), 4, { ...local, to });

    expect(summary.counts).toEqual({ stored: 3, skipped: 0, failed: 1 });
    expect(await readFile(join(to, 'pages/3.html'), 'utf8')).toBe('page 3');
  });

  it('watch chunks', async ({ origin, to }) => {
    origin.on('/a', { body: 'a' });
    origin.on('/b', { body: 'b' });

    const stored = await storeWithDigests([origin.url('/a'), origin.url('/b'), origin.url('/c')], { ...local, to });

    expect(stored.map((one) => one.sha256).toSorted()).toEqual([sha256('a'), sha256('b')].toSorted());
  });

  it('post a stream', async ({ to }) => {
    const host = await startBodyHost('undici', (request, response) => {
      void bodyOf(request).then((body) => response.end((body ?? '').toString().toUpperCase()));
    });
    async function* rows() {
      yield { id: 'a' };
      yield { id: 'b' };
    }
    await writeFile(join(to, 'in'), 'the file');

    expect(await convertFile(join(to, 'in'), host.url('/upper'), { ...local, to, key: 'out' })).toBe('out: stored');
    expect(await readFile(join(to, 'out'), 'utf8')).toBe('THE FILE');
    expect(await collect(lookUp(rows(), host.url('/upper'), local))).toEqual([{ ID: 'A' }, { ID: 'B' }]);
    expect(host.requests.map(({ headers }) => headers['content-length'])).toEqual(['8', undefined]);
  });

  it('upload a generator', async ({ to }) => {
    async function* rows() {
      yield { id: 1 };
      yield { id: 2 };
    }

    const result = await writeReport(rows(), { to, key: 'report.jsonl' });

    expect(result).toMatchObject({ outcome: 'stored', bytes: 18 });
    expect(await readFile(join(to, 'report.jsonl'), 'utf8')).toBe('{"id":1}\n{"id":2}\n');
  });

  it('stop downloads', async ({ origin, to }) => {
    origin.on('/f', { body: 'x' });
    origin.on('/rest', { delayMs: Number.POSITIVE_INFINITY });

    expect(await fetchFor(60_000, [origin.url('/f')], { ...local, to })).toBe('1 stored');
    expect(await fetchFor(100, [origin.url('/rest')], { ...local, to })).toBe('stopped');
    await until(() => origin.connections.open === 0);
  });
});
