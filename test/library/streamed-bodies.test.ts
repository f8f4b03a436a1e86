import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { download, downloadAll } from '../../lib/library/download.ts';
import { lines } from '../../lib/library/lines.ts';
import type { ItemInput, StreamBody } from '../../lib/library/options.ts';
import { stream } from '../../lib/library/stream.ts';
import { bodyOf, startBodyHost } from '../source/body-host.ts';
import { collect, errorOf, impatient, it, local, until } from './fixture.ts';

/** Answers with method and body, behind as many refusals as it is told. */
async function echo({ refusals = 0, status = 503 } = {}) {
  const bodies: (string | undefined)[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = (await bodyOf(request))?.toString();
    bodies.push(body);
    if (bodies.length <= refusals) response.statusCode = status;
    response.end(`${request.method} ${body}`);
  };
  const host = await startBodyHost('undici', (request, response) => {
    void answer(request as IncomingMessage, response as ServerResponse);
  });
  return { ...host, bodies };
}

/** Says whether it was closed, read to its end or not. */
function rows(texts: readonly string[] = ['a,b\n', 'c,d\n']) {
  const told = { opened: 0, closed: 0 };
  async function* open() {
    told.opened += 1;
    try {
      for (const text of texts) {
        await sleep(1);
        yield text;
      }
    } finally {
      told.closed += 1;
    }
  }
  return { told, open };
}

describe('a request body that is a stream', () => {
  it.for([
    ['an async iterable', () => rows().open()],
    ['a web stream', () => new Blob(['a,b\n', 'c,d\n']).stream()],
    ['a stream of Node', () => Readable.from(['a,b\n', 'c,d\n'])],
    ['a function', () => rows().open],
    ['a function that takes its time', () => () => Promise.resolve(rows().open())],
    ['a stream with its length', () => ({ stream: rows().open(), bytes: 8 })],
    ['a function with its length', () => ({ stream: rows().open, bytes: 8 })],
  ] as const)('may be %s', async ([, make], { to }) => {
    const { url } = await echo();
    const body = (): StreamBody => make();

    const outcome = await download(url('/a'), { ...local, to, key: 'f', body: body() });

    expect(outcome).toMatchObject({ outcome: 'stored', attempts: 1, bytes: 13 });
    expect(await readFile(join(to, 'f'), 'utf8')).toBe('POST a,b\nc,d\n');
    await using opened = await stream({ url: url('/b'), body: body() }, local);
    expect(Buffer.concat(await collect(opened)).toString()).toBe('POST a,b\nc,d\n');
    expect(await collect(lines(url('/c'), { ...local, body: body() }))).toEqual(['POST a,b', 'c,d']);
  });

  it('is opened anew for every try, where it is a function', async ({ to }) => {
    const host = await echo({ refusals: 2 });
    const { told, open } = rows();

    const outcome = await download(host.url(), { ...local, to, key: 'f', body: open }, impatient);

    expect(outcome).toMatchObject({ outcome: 'stored', attempts: 3 });
    expect(host.bodies).toEqual(['a,b\nc,d\n', 'a,b\nc,d\n', 'a,b\nc,d\n']);
    expect(told).toEqual({ opened: 3, closed: 3 });
  });

  it('is sent once, where it is a stream, and the failure says what to do', async ({ to }) => {
    const host = await echo({ refusals: 1 });
    const cure = expect.stringMatching(/answered 503; not tried again, since its `body` was begun: give a function/);

    const outcome = await download(host.url(), { ...local, to, key: 'f', body: rows().open() }, impatient);
    const error = await errorOf(
      stream((await echo({ refusals: 1 })).url(), { ...local, body: rows().open() }, impatient),
    );

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'Throttled', attempts: 1, message: cure });
    expect(error).toMatchObject({ name: 'Throttled', message: cure });
    expect(host.bodies).toHaveLength(1);
  });

  it('is tried again as long as nothing of it was taken', async ({ origin, to }) => {
    const { told, open } = rows();
    await origin.close();

    const outcome = await download(origin.url('/'), { ...local, to, key: 'f', body: open() }, impatient);

    expect(outcome).toMatchObject({ error: 'ConnectFailed', attempts: 5 });
    expect(outcome.message).not.toContain('body');
    expect(told.opened).toBe(0);
  });

  it('that throws fails its item as TransformFailed, and no other', async ({ to }) => {
    const host = await echo();
    async function* broken() {
      yield 'a';
      throw new Error('no more rows');
    }
    const items: ItemInput[] = [
      { url: host.url('/a'), key: 'a', body: broken },
      { url: host.url('/b'), key: 'b', body: rows().open },
      {
        url: host.url('/c'),
        key: 'c',
        body: () => {
          throw new Error('cannot be opened');
        },
      },
    ];

    const outcomes = await collect(downloadAll(items, { ...local, to }, impatient));
    const byLine = outcomes.toSorted((one, other) => one.line - other.line);

    expect(byLine).toMatchObject([
      { error: 'TransformFailed', message: expect.stringContaining('no more rows'), attempts: 1 },
      { outcome: 'stored' },
      { error: 'TransformFailed', message: expect.stringContaining('cannot be opened'), attempts: 1 },
    ]);
  });

  it('has to be as long as it says', async ({ to }) => {
    const host = await echo();
    const send = (bytes: number) =>
      download(host.url(), { ...local, to, key: `f${bytes}`, body: { stream: rows().open, bytes } }, impatient);

    expect(await send(7)).toMatchObject({ error: 'SizeMismatch', attempts: 1 });
    expect(await send(9)).toMatchObject({ error: 'SizeMismatch', attempts: 1 });
    expect(host.bodies.filter((body) => body !== undefined)).toEqual([]);
  });

  it('is closed where its item needs no request, or is refused', async ({ to }) => {
    const host = await echo();
    const bodies = Array.from({ length: 4 }, () => {
      const told = { cancelled: 0 };
      const cancel = () => {
        told.cancelled += 1;
      };
      return { told, body: new ReadableStream<Uint8Array>({ cancel }) };
    });
    const [stands, refused, first, second] = bodies;
    await download(host.url(), { ...local, to, key: 'stands' });

    const skipped = { ...local, to, key: 'stands', overwrite: 'never', body: stands?.body } as const;
    expect(await download(host.url(), skipped)).toMatchObject({ outcome: 'skipped', reason: 'exists' });
    expect(await download(host.url(), { ...local, to, key: '../f', body: refused?.body })).toMatchObject({
      error: 'KeyRefused',
    });
    const same = { url: host.url(), key: 'f' };
    const all = downloadAll(
      [
        { ...same, body: rows().open },
        { ...same, body: first?.body },
        { url: 'ftp://x', body: second?.body },
      ],
      { ...local, to },
    );
    expect((await all.summary()).counts).toEqual({ stored: 1, skipped: 0, failed: 2 });

    expect(bodies.map(({ told }) => told.cancelled)).toEqual([1, 1, 1, 1]);
  });

  it('ends with the signal, whatever it waits for itself', async ({ to }) => {
    const host = await echo();
    const controller = new AbortController();
    let cancelled = 0;
    const body = new ReadableStream<Uint8Array>({
      start: (writer) => writer.enqueue(Buffer.from('begun')),
      cancel: () => {
        cancelled += 1;
      },
    });
    const call = errorOf(download(host.url(), { ...local, to, key: 'f', body, signal: controller.signal }));

    await until(() => host.requests.length === 1);
    controller.abort();

    expect((await call).name).toBe('Interrupted');
    await until(() => cancelled === 1 && host.connections.open === 0);
  });

  it('is refused where it cannot be sent', async ({ to }) => {
    const { open } = rows();
    const refusal = async (options: object) => {
      const outcome = await errorOf(stream('http://127.0.0.1:1024/', { ...local, ...options }));
      return `${outcome.name}: ${outcome.message}`;
    };
    const auth = {
      type: 'sigv4',
      service: 'execute-api',
      region: 'eu-central-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    };

    expect(await refusal({ method: 'GET', body: open })).toBe('BatchInvalid: a GET carries no `body`');
    expect(await refusal({ range: 'bytes=0-9', body: open })).toMatch(/^BatchInvalid: `range` is for GET/);
    expect(await refusal({ body: { stream: 'text' } })).toMatch(/^BatchInvalid: `body.stream`: a web stream/);
    expect(await refusal({ body: { stream: open, bytes: -1 } })).toMatch(/^BatchInvalid: `body.bytes`/);
    expect(await refusal({ body: { stream: open, length: 1 } })).toMatch(/^BatchInvalid: .*`body.length`/);
    expect(await refusal({ auth, body: open })).toMatch(/^BatchInvalid: `sigv4` signs every byte/);
    let cancelled = 0;
    const cancel = () => {
      cancelled += 1;
    };
    expect(await refusal({ auth, body: new ReadableStream({ cancel }) })).toMatch(/^BatchInvalid: `sigv4`/);
    expect(cancelled).toBe(1);
    expect(() => downloadAll([], { ...local, to, ...({ body: open } as object) })).toThrow('`body`');
  });
});
