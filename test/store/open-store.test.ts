import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../lib/store/open-store.ts';
import { createS3Client } from '../../lib/store/s3-client.ts';

const noClient = () => {
  throw new Error('no S3 client is wanted');
};

test('a path is a directory, and needs no client', () => {
  expect(openStore('some/dir', noClient).uri).toBe(resolve('some/dir'));
});

test('s3:// is S3', async () => {
  const store = openStore('s3://bucket/some/prefix/', () => createS3Client({ region: 'us-east-1' }));

  expect(store.uri).toBe('s3://bucket/some/prefix');
  expect(store.uriOf('a/b')).toBe('s3://bucket/some/prefix/a/b');
  await store.close();
});

test.each(['', 'gs://bucket/prefix', 'S3://bucket', 'file:///tmp', 'https://user:pass@host/', 's3://B'])(
  '%j is no destination',
  (to) => {
    expect(() => openStore(to, noClient)).toThrow(expect.objectContaining({ name: 'BatchInvalid' }));
  },
);
