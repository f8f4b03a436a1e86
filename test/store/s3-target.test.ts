import { expect, onTestFinished, test } from 'vitest';
import { createS3Client, type S3ClientOptions } from '../../lib/store/s3-client.ts';
import { findTarget } from '../../lib/store/s3-target.ts';

async function targetOf(bucket: string, options: S3ClientOptions = {}) {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const client = createS3Client({ region: 'eu-west-1', credentials, ...options });
  onTestFinished(() => client.destroy());
  return findTarget(client, bucket);
}

test('a bucket has a host of its own on AWS', async () => {
  const host = 'my-bucket.s3.eu-west-1.amazonaws.com';
  expect(await targetOf('my-bucket')).toMatchObject({
    ...{ origin: `https://${host}`, host, path: '/', region: 'eu-west-1', isTls: true },
    userAgent: expect.stringMatching(/^aws-sdk-js\//),
  });
});

test('one with dots, which no certificate fits, stands in the path', async () => {
  expect(await targetOf('my.bucket')).toMatchObject({ host: 's3.eu-west-1.amazonaws.com', path: '/my.bucket/' });
});

test('and so do those of other servers, behind whatever path these have', async () => {
  expect(await targetOf('b', { endpoint: 'http://127.0.0.1:9000' })).toMatchObject({
    ...{ origin: 'http://127.0.0.1:9000', host: '127.0.0.1:9000', path: '/b/', isTls: false },
  });
  expect(await targetOf('b', { endpoint: 'https://a.test/s3' })).toMatchObject({ host: 'a.test', path: '/s3/b/' });
  expect(await targetOf('b', { endpoint: 'http://[::1]:9000' })).toMatchObject({ origin: 'http://[::1]:9000' });
});

test.each([
  'arn:aws:s3:eu-west-1:111111111111:accesspoint/mine',
  'arn:aws:s3::111111111111:accesspoint/mine.mrap',
  'express--euw1-az1--x-s3',
])('%s has a way that only the SDK knows', async (bucket) => {
  expect(await targetOf(bucket)).toBeUndefined();
});

test('without credentials there is none, and the SDK says why', async () => {
  const credentials = () => Promise.reject(new Error('no credentials here'));

  await expect(targetOf('b', { credentials })).rejects.toThrow('no credentials here');
});
