import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';

const OPTIONS = {
  storageClass: 'GLACIER_IR',
  tags: { team: 'data & co', 'a b': 'ü=1' },
  cacheControl: 'max-age=60',
  kmsKeyId: 'arn:aws:kms:eu-west-1:111111111111:key/k',
};

/** What the store sends, by a server that only looks. */
async function listen() {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    request.resume();
    const body = '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>';
    response.writeHead(200, { etag: '"1"', 'content-type': 'application/xml' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const client = createS3Client({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  const store = openS3Store({ client, bucket: 'bucket', prefix: '' });
  onTestFinished(async () => {
    await store.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { seen, store };
}

const DESCRIBED = {
  'x-amz-storage-class': 'GLACIER_IR',
  'x-amz-tagging': 'team=data+%26+co&a+b=%C3%BC%3D1',
  'cache-control': 'max-age=60',
  'x-amz-server-side-encryption': 'aws:kms',
  'x-amz-server-side-encryption-aws-kms-key-id': OPTIONS.kmsKeyId,
};

test('storage class, tags, Cache-Control and KMS key go along with an object in one request', async () => {
  const { seen, store } = await listen();
  const bytes = Buffer.from('hello');

  await store.put('k', bytes, { ...OPTIONS, condition: { kind: 'absent' }, crc32: crc32(bytes) });

  expect(seen).toMatchObject([DESCRIBED]);
});

test('and with an upload when it is created', async () => {
  const { seen, store } = await listen();

  await store.createUpload('k', OPTIONS);

  expect(seen).toMatchObject([DESCRIBED]);
});

test('without them nothing is said, and the bucket decides', async () => {
  const { seen, store } = await listen();

  await store.createUpload('k', {});

  for (const name of Object.keys(DESCRIBED)) expect(seen[0]?.[name]).toBeUndefined();
});
