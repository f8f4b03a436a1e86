import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { createS3Client, type S3ClientOptions } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { startMemoryS3 } from '../support/memory-s3.ts';
import { putBytes, randomBytes, sendPart, streamBytes } from '../support/store-bytes.ts';
import { type Rule, refuse } from '../support/store-faults-rules.ts';

const ABSENT = { kind: 'absent' } as const;
const X = Buffer.from('x');

async function serve(credentials: S3ClientOptions['credentials'], ...faults: Rule[]) {
  const s3 = await startMemoryS3({ buckets: ['bucket'], minPartBytes: 1, faults });
  onTestFinished(() => s3.close());
  const client = createS3Client({ endpoint: s3.endpoint, region: 'us-east-1', credentials });
  const store = openS3Store({ client, bucket: 'bucket', prefix: '' });
  onTestFinished(() => store.close());
  return { s3, store };
}

/** Sessions that say they are good for an hour. */
function sessions() {
  let count = 0;
  const provider = async () => {
    count += 1;
    const expiration = new Date(Date.now() + 3_600_000);
    return { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: `session ${count}`, expiration };
  };
  return { provider, count: () => count };
}

test('S21: a session that S3 says has expired is renewed, and the request is sent once more', async () => {
  const { provider, count } = sessions();
  const { s3, store } = await serve(provider, { on: 'put', times: 2, do: refuse('ExpiredToken') });

  await putBytes(store, 'k', X, ABSENT);
  await putBytes(store, 'other', X, ABSENT);

  expect(count()).toBe(2);
  // Refused on the short way, refused, done; done.
  expect(s3.count('put')).toBe(4);
});

test('S21: of many requests that meet an expired session, every one succeeds with the same new one', async () => {
  const { provider, count } = sessions();
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const isExpired = request.headers['x-amz-security-token'] === 'session 1';
      if (isExpired) response.writeHead(400).end('<Error><Code>ExpiredToken</Code><Message>m</Message></Error>');
      else response.setHeader('etag', '"1"').end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const endpoint = `http://127.0.0.1:${address.port}`;
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials: provider });
  const store = openS3Store({ client, bucket: 'bucket', prefix: '' });
  onTestFinished(() => store.close());

  await Promise.all(['a', 'b', 'c', 'd'].map((key) => putBytes(store, key, X, ABSENT)));

  expect(count()).toBe(2);
});

test('S21: credentials that stay the same are not asked for twice by one request, and the run ends', async () => {
  const fixed = { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' };
  const { s3, store } = await serve(fixed, { on: 'put', do: refuse('ExpiredToken') });

  await expect(putBytes(store, 'k', X, ABSENT)).rejects.toMatchObject({ name: 'StoreDenied' });

  // The short way, and the SDK's.
  expect(s3.count('put')).toBe(2);
});

test('S21: a session that is refused again after it was renewed is StoreDenied', async () => {
  const { s3, store } = await serve(sessions().provider, { on: 'put', do: refuse('ExpiredToken') });

  await expect(putBytes(store, 'k', X, ABSENT)).rejects.toMatchObject({ name: 'StoreDenied' });

  expect(s3.count('put')).toBe(3);
});

test('S21: a streamed part cannot be sent again, but the next try of its owner has a new session', async () => {
  const { provider, count } = sessions();
  const { s3, store } = await serve(provider, { on: 'part', times: 1, do: refuse('ExpiredToken') });
  const upload = await store.createUpload('k', {});
  const bytes = randomBytes(1_000, 1);

  await expect(streamBytes(store, upload, 1, bytes)).rejects.toMatchObject({ retryable: true });
  await streamBytes(store, upload, 1, bytes);

  expect(count()).toBe(2);
  expect(s3.count('part')).toBe(2);
});

test('S21: a session that expires in the middle of an upload loses nothing of it', async () => {
  const { store } = await serve(
    sessions().provider,
    ...(['part', 'list-parts', 'complete', 'abort'] as const).map((on) => ({
      on,
      nth: 1,
      do: refuse('ExpiredToken'),
    })),
  );
  const upload = await store.createUpload('k', {});
  const pieces = [X];

  const part = await sendPart(store, upload, 1, pieces);

  expect(await store.listParts(upload)).toEqual([part]);
  await store.completeUpload(upload, [part], { bytes: 1, crc32: part.crc32, condition: ABSENT });
  await store.abortUpload(upload);
});

test('S21: a clock that S3 finds wrong is set right, and the request is sent again', async () => {
  const { s3, store } = await serve(sessions().provider, {
    on: 'put',
    times: 2,
    do: {
      apply: 'never',
      reply: () => ({
        status: 403,
        headers: { date: new Date(Date.now() + 3_600_000).toUTCString() },
        body: Buffer.from('<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>'),
      }),
    },
  });

  await putBytes(store, 'k', X, ABSENT);

  expect(s3.count('put')).toBe(3);
});
