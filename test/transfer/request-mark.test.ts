import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { requestMark } from '../../lib/transfer/request-mark.ts';
import { it, listOf } from '../support/run-context.ts';
import { archive } from '../transform/tar-archives.ts';

describe('an object that stands already', () => {
  it('with `if-changed` takes an ETag for nothing where another query or other headers are asked with', async ({
    rig,
  }) => {
    rig.origin.on('/q', ({ path, headers }) =>
      headers['if-none-match'] === '"1"'
        ? { status: 304, contentLength: 'none' }
        : { body: `${path} ${headers['accept-language'] ?? ''}`, headers: { ETag: '"1"' } },
    );
    const batch = (run: string, query: string, more: object = {}) => ({
      run,
      to: rig.root,
      items: [{ url: rig.origin.url(`/q${query}`), key: 'q', ...more }],
    });
    await rig.run(batch('one', '?f=a'));

    const [same] = await rig.run(batch('two', '?f=a'));
    const [query] = await rig.run(batch('three', '?f=b'));
    const [header] = await rig.run(batch('four', '?f=b', { headers: { 'Accept-Language': 'de' } }));

    expect(same).toMatchObject({ outcome: 'skipped', reason: 'unchanged' });
    expect(query).toMatchObject({ outcome: 'stored' });
    expect(header).toMatchObject({ outcome: 'stored' });
    expect(await readFile(join(rig.root, 'q'), 'utf8')).toBe('/q?f=b de');
  });

  it('is stored again when the list sets another type, metadata or Cache-Control, and not asked for twice when it does not', async ({
    rig,
  }) => {
    rig.origin.on('/m', ({ headers }) =>
      headers['if-none-match'] === '"1"'
        ? { status: 304, contentLength: 'none' }
        : { body: 'm', headers: { ETag: '"1"' } },
    );
    const metadata = { team: 'a', kind: 'b' };
    const ways: readonly [object, object][] = [
      [{}, {}],
      [{ contentType: 'text/csv' }, {}],
      [{ contentType: 'text/csv', metadata }, {}],
      [{ contentType: 'text/csv', metadata: { ...metadata, kind: 'c' } }, {}],
      [{ contentType: 'text/csv', metadata }, { cacheControl: 'no-cache' }],
      [{ metadata: { ...metadata, 'content-type': 'text/csv' } }, { cacheControl: 'no-cache' }],
      [{}, {}],
    ];

    for (const [at, [fields, options]] of ways.entries()) {
      const batch = (run: string) => ({ ...listOf(rig, ['/m'], options, fields), run });
      const [first] = await rig.run(batch(`a${at}`));
      const [again] = await rig.run(batch(`b${at}`));
      expect([at, first?.outcome, again?.reason]).toEqual([at, 'stored', 'unchanged']);
    }
    expect(rig.origin.requests.filter(({ headers }) => headers['if-none-match'])).toHaveLength(ways.length);
    for (const [run, fields] of Object.entries({ x: metadata, y: { kind: 'b', team: 'a' } })) {
      const [outcome] = await rig.run({ ...listOf(rig, ['/m'], {}, { metadata: fields }), run });
      expect(outcome?.outcome).toBe(run === 'x' ? 'stored' : 'skipped');
    }
  });

  it('is stored again for its fields also where transforms make it, one object or several', async ({ rig }) => {
    rig.origin.on('/p', { body: gzipSync('packed') });
    rig.origin.on('/t', { body: archive({ name: 'a', body: 'a' }) });
    for (const [at, fields] of [{}, { metadata: { team: 'a' } }, { metadata: { team: 'b' } }].entries()) {
      for (const expected of ['stored', 'skipped']) {
        const items = [
          { url: rig.origin.url('/p'), key: 'p', transform: ['gunzip'], ...fields },
          { url: rig.origin.url('/t'), key: 't', transform: ['untar'], ...fields },
        ];
        const outcomes = await rig.run({ run: `${expected}${at}`, items, to: rig.root });
        expect(outcomes.map(({ outcome }) => outcome)).toEqual([expected, expected]);
      }
    }
  });

  it('is of the same request however often a URL is signed anew, and whoever asks', () => {
    const mark = (url: string, headers = {}) =>
      requestMark({ work: { item: { url, headers } }, options: {} } as unknown as Parameters<typeof requestMark>[0]);
    const signed = (time: string) => `https://b.example/k?versionId=7&X-Amz-Date=${time}&X-Amz-Signature=${time}`;

    expect(mark(signed('1'), { Authorization: 'a' })).toBe(mark(signed('2'), { authorization: 'b' }));
    expect(mark(signed('1'))).not.toBe(mark(signed('1').replace('versionId=7', 'versionId=8')));
    expect(mark('https://b.example/k')).toBeUndefined();
    const azure = (time: string) => `https://b.example/k?sv=2024&st=${time}&se=${time}&sig=${time}`;
    expect(mark(azure('1'))).toBe(mark(azure('2')));
    const cloudFront = (time: string) => `https://b.example/k?Expires=${time}&Signature=${time}&Key-Pair-Id=K`;
    expect(mark(cloudFront('1'))).toBe(mark(cloudFront('2')));
  });

  it('is of another request where a parameter that signatures have, too, stands without one', () => {
    const mark = (query: string) =>
      requestMark({ work: { item: { url: `https://b.example/k?${query}` } }, options: {} } as unknown as Parameters<
        typeof requestMark
      >[0]);

    for (const name of ['st', 'sv', 'expires', 'policy', 'signature', 'sig']) {
      expect(mark(`${name}=CA`)).not.toBe(mark(`${name}=NY`));
      expect(mark(`${name}=CA`)).toBeDefined();
    }
  });
});
