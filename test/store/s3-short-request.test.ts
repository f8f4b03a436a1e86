import {
  HeadObjectCommand,
  type HeadObjectCommandInput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { crc32, crc32Base64 } from '../../lib/store/crc32.ts';
import { conditionParameters, objectParameters } from '../../lib/store/s3-bucket.ts';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { encodeKey, headersOf } from '../../lib/store/s3-short-request.ts';
import { findTarget } from '../../lib/store/s3-target.ts';

const text = fc.stringMatching(/^[\x20-\x7e]{0,30}$/);
const filled = text.filter((given) => given !== '');
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const key = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.constantFrom('a b', 'a+b', 'a//b', 'a/../b', './a', "it's (1)*!", '%41', 'ü/é', 'a~b', '🙂', 'a?b#c', 'q=1&r=2'),
);

test('what goes the short way is what the SDK would send, but for what it says of itself', async () => {
  const client = createS3Client({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
  onTestFinished(() => client.destroy());
  const target = await findTarget(client, 'bucket');
  const options = fc.record(
    {
      contentType: filled,
      contentEncoding: fc.constantFrom('gzip', 'br'),
      metadata: fc.dictionary(name, text, { maxKeys: 4 }),
      cacheControl: filled,
      storageClass: fc.constantFrom('STANDARD_IA', 'GLACIER_IR'),
      tags: fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), { minKeys: 1, maxKeys: 3 }),
      kmsKeyId: fc.constant('arn:aws:kms:eu-west-1:111111111111:key/k'),
    },
    { requiredKeys: [] },
  );
  const condition = fc.constantFrom(
    { kind: 'absent' } as const,
    { kind: 'matches', etag: '"0af3"' } as const,
    { kind: 'any' } as const,
  );

  await fc.assert(
    fc.asyncProperty(key, options, condition, fc.uint8Array(), async (Key, described, when, Body) => {
      const input = {
        ...{ Bucket: 'bucket', Key, ExpectedBucketOwner: '111111111111', Body, ContentLength: Body.length },
        ...objectParameters(described, 'token'),
        ...conditionParameters(when),
        ChecksumCRC32: crc32Base64(crc32(Body)),
      };
      const theirs = await sentBySdk(client, input);
      const { host, 'x-amz-content-sha256': hash, 'x-amz-date': date, ...rest } = theirs.headers;

      expect({ host, path: `${target?.path}${encodeKey(Key)}` }).toEqual({ host: target?.host, path: theirs.path });
      expect(hash).toBe('UNSIGNED-PAYLOAD');
      expect(headersOf(input)).toEqual(without(rest, OF_THE_SDK));
    }),
    { numRuns: 60 },
  );
});

test('and so is a HEAD', async () => {
  const client = createS3Client({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
  onTestFinished(() => client.destroy());
  const input = { Bucket: 'bucket', Key: 'k', ChecksumMode: 'ENABLED', ExpectedBucketOwner: '111111111111' } as const;

  const { headers } = await sentBySdk(client, input);

  expect(headersOf(input)).toEqual(without(headers, [...OF_THE_SDK, 'host', 'x-amz-content-sha256', 'x-amz-date']));
});

test.each([
  ['a parameter that it does not know', { Bucket: 'b', Key: 'k', SSECustomerKey: 'secret' }],
  ['an empty parameter', { Bucket: 'b', Key: 'k', ContentType: '' }],
  ['text that a header cannot hold', { Bucket: 'b', Key: 'k', CacheControl: 'ü' }],
  ['metadata that a header cannot hold', { Bucket: 'b', Key: 'k', Metadata: { name: 'two\r\nlines' } }],
])('%s is left to the SDK', (_, input) => {
  expect(headersOf(input)).toBeUndefined();
});

const OF_THE_SDK = [
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'authorization',
  'content-length',
  'user-agent',
  'x-amz-user-agent',
];

function without(headers: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([header]) => !names.includes(header)));
}

/** The request as the SDK has signed it; it is not sent. */
async function sentBySdk(client: S3Client, input: HeadObjectCommandInput | PutObjectCommandInput) {
  let sent: { readonly path: string; readonly headers: Record<string, string> } | undefined;
  const look = { step: 'finalizeRequest', priority: 'low', name: 'look', override: true } as const;
  client.middlewareStack.add(
    () => async (args) => {
      sent = args.request as typeof sent;
      return { response: {}, output: { $metadata: {} } };
    },
    look,
  );
  await ('Body' in input ? client.send(new PutObjectCommand(input)) : client.send(new HeadObjectCommand(input)));
  if (!sent) throw new Error('nothing was sent');
  return sent;
}
