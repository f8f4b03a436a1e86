import { request } from 'node:http';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { MemoryS3 } from '../support/memory-s3.ts';
import { startFaultyS3 } from '../support/store-faults.ts';
import { readCall } from '../support/store-faults-call.ts';
import { DROP, HANG, LOSE_REPLY, type Rule, RuleBook, refuse } from '../support/store-faults-rules.ts';
import { Bucket, begin, clientOf, LEAST, send, serve } from './fixture.ts';

const PUT = { Bucket, Key: 'k', Body: 'body x' };

describe.each(['the memory S3', 'the proxy'])('%s', (where) => {
  let s3: MemoryS3;
  let client: S3Client;
  let add: (...rules: Rule[]) => void;
  let endpoint: string;

  beforeEach(async () => {
    ({ s3 } = await serve({ kms: true }));
    if (where === 'the proxy') {
      const proxy = await startFaultyS3(s3.endpoint);
      onTestFinished(() => proxy.stop());
      ({ add, endpoint } = proxy);
    } else ({ add, endpoint } = s3);
    client = clientOf(endpoint, { requestTimeoutMs: 500 });
  });

  /** By a client of its own: one that was asked to slow down does. */
  const put = (Key = 'k') => clientOf(endpoint, { requestTimeoutMs: 500 }).send(new PutObjectCommand({ ...PUT, Key }));
  const statuses = (operation: string) =>
    s3.calls.flatMap((call) => (call.operation === operation ? [call.statuses] : []));

  test('spoils the calls that fit by operation, key, part and number', async () => {
    add(
      { on: 'put', key: /^b/, nth: 2, do: refuse('SlowDown') },
      { on: ['part'], part: 2, do: refuse('ExpiredToken') },
    );

    await put('b1');
    await put('a');
    await expect(put('b2')).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
    await put('b2');
    const { UploadId } = await begin(client, [LEAST]);
    await expect(send(client, UploadId, 2, Buffer.from('x'))).rejects.toMatchObject({ name: 'ExpiredToken' });
    await send(client, UploadId, 3, Buffer.from('x'));
  });

  test('S02: a burst has a beginning and an end', async () => {
    add({ nth: 2, times: 2, do: refuse('SlowDown') });

    const outcomes = [];
    for (const key of ['1', '2', '3', '4']) outcomes.push((await Promise.allSettled([put(key)]))[0]?.status);

    expect(outcomes).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(s3.objects().map(({ key }) => key)).toEqual(['1', '4']);
  });

  test('S05, S06: a dropped or hanging call never happened, a lost reply did', async () => {
    add({ key: 'dropped', do: DROP }, { key: 'hanging', do: HANG }, { key: 'lost', do: LOSE_REPLY });

    await expect(put('dropped')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(put('hanging')).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(put('lost')).rejects.toMatchObject({ code: 'ECONNRESET' });

    expect(s3.objects().map(({ key }) => key)).toEqual(['lost']);
  });

  test('S05: a body is cut off on its way in', async () => {
    add({ do: { resetAfterBytes: 100_000 } });

    const Body = Buffer.alloc(3_000_000);
    await expect(client.send(new PutObjectCommand({ ...PUT, Body }))).rejects.toMatchObject({
      code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/),
    });

    expect(s3.objects()).toEqual([]);
  });

  test('S12: a completion is answered 200 with an error in it', async () => {
    const { complete } = await begin(client, [LEAST]);
    add({ on: 'complete', do: refuse('InternalError', 200) });

    await expect(complete()).rejects.toMatchObject({ name: 'InternalError' });

    expect(s3.objects()).toEqual([]);
  });

  test('S03: a call is answered with an error although it was carried out', async () => {
    add({ do: { reply: { status: 500, code: 'InternalError' } } });

    await expect(put()).rejects.toMatchObject({ name: 'InternalError' });

    expect(s3.objects()).toHaveLength(1);
  });

  test('S13: an answer is cut with its connection, or made shorter and well-formed', async () => {
    await put();
    add({ on: 'get', nth: 1, do: { reply: { cut: 0.5 } } }, { on: 'get', nth: 2, do: { reply: { shorten: 0.5 } } });
    const get = async () => {
      const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }));
      return [ContentLength, await Body?.transformToString()];
    };

    await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await get()).toEqual([3, 'bod']);
    expect(await get()).toEqual([6, 'body x']);
  });

  test('S07: an answer can be edited', async () => {
    add({ do: { reply: ({ headers: { etag: _, ...headers }, ...answer }) => ({ ...answer, headers }) } });

    expect((await put()).ETag).toBeUndefined();
  });

  test('S09: a part is carried out twice, or a second time just before the commit, as a zombie does it', async () => {
    add(
      { on: 'part', part: 1, do: { apply: 'twice' } },
      { on: 'part', part: 2, do: { apply: { againBefore: 'complete' } } },
    );
    const { complete } = await begin(client, [LEAST, 3]);
    expect(statuses('part')).toEqual(where === 'the proxy' ? [[200], [200], [200]] : [[200, 200], [200]]);

    // Under KMS the zombie's ETag is another one.
    await expect(complete()).rejects.toMatchObject({ name: 'InvalidPart' });

    expect(statuses('part').flat()).toEqual([200, 200, 200, 200]);
  });

  test('a zombie waits for its call on its key', async () => {
    add({ on: 'put', key: 'k', nth: 1, do: { apply: { againBefore: 'head' } } });
    const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket, Key }));
    const keys = () => s3.commits().map(({ key }) => key);

    await put();
    await put('other');
    await put();
    await head('other');
    expect(keys()).toEqual(['k', 'other', 'k']);

    await head('k');
    await head('k');
    expect(keys()).toEqual(['k', 'other', 'k', 'k']);
  });

  test('of rules that fit, the first wins, and the others count on', async () => {
    add({ nth: 2, do: refuse('AccessDenied') }, { nth: 2, times: 2, do: refuse('InternalError') });

    await put();
    await expect(put()).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(put()).rejects.toMatchObject({ name: 'InternalError' });
    await put();
  });

  test('a second time can come after a while', async () => {
    add({ on: 'put', nth: 1, do: { apply: { againAfterMs: 20 } } });

    await put();
    while (s3.commits().length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test('a test is called before and after S3 carries a call out', async () => {
    const seen: unknown[] = [];
    const look = (call: { operation: string; key: string }) =>
      seen.push([call.operation, call.key, s3.objects().length]);
    add({ do: { delayMs: 1, before: look, after: look, replyDelayMs: 1 } });

    await put();

    expect(seen).toEqual([
      ['put', 'k', 0],
      ['put', 'k', 1],
    ]);
  });

  test('a client that leaves in mid body leaves nothing', async () => {
    const outgoing = request(`${endpoint}/${Bucket}/k`, { method: 'PUT', headers: { 'content-length': 1_000 } });
    const closed = new Promise((resolve) => outgoing.on('error', () => undefined).on('close', resolve));
    outgoing.write('half');
    while (s3.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));

    outgoing.destroy();
    await closed;
    await put('after');

    expect(s3.objects().map(({ key }) => key)).toEqual(['after']);
  });

  test('bodies and answers pass unchanged where no rule fits', async () => {
    add({ on: 'complete', key: 'other', do: DROP });
    const { complete, whole } = await begin(client, [2_000_000, 3]);

    const { ETag } = await complete();

    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }));
    expect([head.ETag, head.ContentLength]).toEqual([ETag, whole.length]);
    expect(s3.bytesOf(Bucket, 'k')).toEqual(whole);
  });
});

test('chance is the same for the same seed, and about as often as asked', () => {
  const call = readCall(Object.assign(Object.create(null), { method: 'PUT', url: '/b/k' }));
  const draw = (seed: number) => {
    const book = new RuleBook([{ probability: 0.3, do: DROP }], seed);
    return Array.from({ length: 1_000 }, () => (book.decide(call) === undefined ? '.' : 'X')).join('');
  };

  expect(draw(1)).toBe(draw(1));
  expect(draw(1)).not.toBe(draw(2));
  expect(draw(1).replaceAll('.', '').length).toBeGreaterThan(240);
  expect(draw(1).replaceAll('.', '').length).toBeLessThan(360);
});
