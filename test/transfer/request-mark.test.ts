import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { requestMark } from '../../lib/transfer/request-mark.ts';
import { it } from '../support/run-context.ts';

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

  it('is of the same request however often a URL is signed anew, and whoever asks', () => {
    const mark = (url: string, headers = {}) =>
      requestMark({ work: { item: { url, headers } }, options: {} } as unknown as Parameters<typeof requestMark>[0]);
    const signed = (time: string) => `https://b.example/k?versionId=7&X-Amz-Date=${time}&X-Amz-Signature=${time}`;

    expect(mark(signed('1'), { Authorization: 'a' })).toBe(mark(signed('2'), { authorization: 'b' }));
    expect(mark(signed('1'))).not.toBe(mark(signed('1').replace('versionId=7', 'versionId=8')));
    expect(mark('https://b.example/k')).toBeUndefined();
  });
});
