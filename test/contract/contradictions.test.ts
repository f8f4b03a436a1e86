import { describe, expect, it } from 'vitest';
import { contradictions, contradictionsInOptions } from '../../lib/contract/contradictions.ts';
import { item } from '../../lib/contract/item.ts';
import { options } from '../../lib/contract/options.ts';

const found = (fields: object, batch: object = {}) =>
  contradictions(item.parse({ url: 'https://a.test/x', ...fields }), options.parse(batch)).map(({ text }) => text);
const auth = { type: 'bearer', token: 't' };
const sha256 = '0'.repeat(64);

describe('fields that do not go together', () => {
  it.each<[object, object, string]>([
    [{ auth, headers: { Authorization: 'x' } }, {}, '`auth` and a header `authorization` cannot be given together'],
    [
      { request: { auth }, headers: { authorization: 'x' } },
      {},
      '`auth` and a header `authorization` cannot be given together',
    ],
    [{ method: 'GET', body: 'x' }, {}, 'a GET carries no `body`'],
    [{ body: 'x' }, { request: { method: 'GET' } }, 'a GET carries no `body`'],
    [{ range: 'bytes=0-9', body: 'x' }, {}, '`range` is for GET; what a POST answers has no ranges'],
    [{ range: 'bytes=0-9' }, { request: { method: 'POST' } }, '`range` is for GET; what a POST answers has no ranges'],
    [{ result: 'inline', transform: ['untar'] }, {}, '`untar` makes objects, and `result` is `inline`'],
    [{ result: 'none' }, { transform: ['gunzip', 'untar'] }, '`untar` makes objects, and `result` is `none`'],
    [{ result: 'head', sha256 }, {}, '`sha256` needs the body, which `head` does not read'],
    [{ result: 'head', transform: ['gunzip'] }, {}, '`transform` needs the body, which `head` does not read'],
  ])('are found: %j in a batch of %j', (fields, batch, text) => {
    expect(found(fields, batch)).toEqual([text]);
  });

  it.each<[object, object]>([
    [{ headers: { authorization: 'x' } }, { request: { auth } }],
    [{ auth }, { request: { headers: { authorization: 'x' } } }],
    [{ method: 'GET', range: 'bytes=0-9' }, { request: { method: 'POST' } }],
    [{ result: 'inline', transform: ['gunzip'] }, { transform: ['untar'] }],
    [{ result: 'head', size: 5 }, { transform: ['gunzip'] }],
    [{ method: 'POST' }, {}],
  ])('and others go well together: %j in a batch of %j', (fields, batch) => {
    expect(found(fields, batch)).toEqual([]);
  });

  it('are found in the options of a batch, too', () => {
    const texts = (request: object) => contradictionsInOptions(options.parse({ request })).map(({ text }) => text);

    expect(texts({ auth, headers: { authorization: 'x' } })).toHaveLength(1);
    expect(texts({ method: 'GET', body: 'x' })).toEqual(['a GET carries no `body`']);
    expect(texts({ auth, headers: { accept: 'x' }, body: 'x' })).toEqual([]);
  });
});
