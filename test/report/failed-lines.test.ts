import { describe, expect, it } from 'vitest';
import { item as itemSchema } from '../../lib/contract/item.ts';
import { options as optionsSchema } from '../../lib/contract/options.ts';
import { errorNames } from '../../lib/errors/catalogue.ts';
import { readManifest } from '../../lib/manifest/read-manifest.ts';
import { type FailedLine, withoutBatch } from '../../lib/report/failed-lines.ts';
import { failedLine } from '../../lib/report/report-lines.ts';

const url = 'https://a.example/f?sig=1';

/** The failed line of an item, as it stands in the file. */
function lineOf(item: object, options: object = {}, error: (typeof errorNames)[number] = 'NotFound', message = 'why') {
  const listed = { index: 0, line: 1, key: 'a/k', item: itemSchema.parse({ url, ...item }) };
  const outcome = { line: 1, url, outcome: 'failed', error, message, attempts: 1 } as const;
  const line = failedLine({ listed, outcome }, optionsSchema.parse(options));
  return JSON.stringify(line);
}

async function read(lines: readonly string[]) {
  const found = [];
  async function* bytes() {
    yield new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
  }
  for await (const line of readManifest(bytes(), { name: 'failed.jsonl' })) found.push(line);
  return found;
}

const request = {
  headers: { 'X-A': 'batch', 'X-B': 'batch' },
  query: { page: '1' },
  userAgent: 'batch',
  auth: { type: 'bearer', token: { secret: 'api#token' } },
};

describe('failed.jsonl', () => {
  it('is a list again, whatever the error', async () => {
    const found = await read(errorNames.map((name) => lineOf({}, { request }, name, `${name}: "\u2028\n"`)));

    expect(found).toHaveLength(errorNames.length);
    for (const line of found) expect(line).toMatchObject({ key: 'a/k', item: { url } });
  });

  it.each([
    ['plain', {}],
    ['everything', { id: '1', size: 3, sha256: 'a'.repeat(64), range: 'bytes=0-9', metadata: { a: 'b' } }],
    ['headers, body and method', { headers: { 'X-C': '1' }, method: 'POST', body: { json: { a: 1 } } }],
    ['transforms of its own', { transform: ['gunzip', { name: 'csv', where: 'a = "1"' }] }],
    ['a header where the batch has auth', { headers: { Authorization: 'Basic eDp5' } }],
    ['the same in its request', { request: { headers: { authorization: 'Basic eDp5' } } }],
    ['auth of its own', { auth: { type: 'basic', username: 'a', password: 'b' } }],
    ['nothing but its head', { result: 'head' }],
  ])('is a list again where a line has %s', async (_, item) => {
    const [line] = await read([lineOf(item, { request, transform: ['gzip'] })]);

    expect(line).not.toHaveProperty('problems');
  });

  it('is a list again where the batch has a header and the line has auth', async () => {
    const auth = { type: 'basic', username: 'a', password: 'b' };
    const [line] = await read([lineOf({ auth }, { request: { headers: { Authorization: 'Bearer x', 'X-A': '1' } } })]);

    expect(line).toMatchObject({ item: { auth, request: { headers: { 'X-A': '1' } } } });
  });

  it('holds a message of any length', async () => {
    const [line] = await read([lineOf({}, {}, 'TransformFailed', 'x'.repeat(1_000_000))]);

    expect(line).toMatchObject({ item: { url } });
  });
});

describe('withoutBatch', () => {
  const own = (item: object, options: object) =>
    withoutBatch(JSON.parse(lineOf(item, options)) as FailedLine, optionsSchema.parse(options));

  it('gives back what the line said itself', () => {
    const options = { request, transform: ['gunzip', 'csv'] };

    expect(own({}, options)).toMatchObject({ url, key: 'a/k' });
    expect(own({}, options)).not.toHaveProperty('request');
    expect(own({}, options)).not.toHaveProperty('transform');
    const item = {
      request: { headers: { 'X-B': 'line', 'X-C': 'line' }, userAgent: 'line' },
      transform: [{ name: 'gunzip' }],
    };
    expect(own(item, options)).toMatchObject(item);
    expect(own(item, options)).toHaveProperty('request', item.request);
  });

  it('keeps what is replaced as a whole as a whole', () => {
    const auth = (username: string) => ({ type: 'basic', username, password: 'p' });

    expect(own({ request: { auth: auth('b') } }, { request: { auth: auth('a') } })).toMatchObject({
      request: { auth: auth('b') },
    });
  });

  it('leaves a line as it is where the batch said nothing', () => {
    expect(own({ request: { headers: { a: '1' } } }, {})).toMatchObject({ request: { headers: { a: '1' } } });
  });
});
