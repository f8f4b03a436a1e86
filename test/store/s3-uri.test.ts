import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatS3Uri, parseS3Uri } from '../../lib/store/s3-uri.ts';

test.each([
  ['s3://my-bucket', 'my-bucket', ''],
  ['s3://my-bucket/', 'my-bucket', ''],
  ['s3://my.bucket.1/a', 'my.bucket.1', 'a/'],
  ['s3://my-bucket/a/b c/ü/', 'my-bucket', 'a/b c/ü/'],
])('%s is a bucket and a prefix', (uri, bucket, prefix) => {
  expect(parseS3Uri(uri)).toEqual({ bucket, prefix });
  expect(parseS3Uri(formatS3Uri({ bucket, prefix }))).toEqual({ bucket, prefix });
});

test.each([
  ['', /s3:\/\/bucket\/prefix/],
  ['https://my-bucket.s3.amazonaws.com/a', /s3:\/\/bucket\/prefix/],
  ['s3:/my-bucket', /s3:\/\/bucket\/prefix/],
  ['s3://', /no bucket/],
  ['s3:///a', /no bucket/],
  ['s3://My-Bucket/a', /lower case/],
  ['s3://my_bucket', /lower case/],
  ['s3://ab', /3 to 63/],
  ['s3://my-bucket:9000/a', /port/],
  ['s3://my-bucket/a?versionId=1', /"\?"/],
  ['s3://my-bucket//a', /empty segment/],
  ['s3://my-bucket/a//', /empty segment/],
  ['s3://my-bucket/a/../b', /"\.\."/],
  [`s3://my-bucket/${'a'.repeat(1_025)}`, /1024/],
])('%s is refused with the reason', (uri, reason) => {
  expect(() => parseS3Uri(uri)).toThrow(expect.objectContaining({ name: 'BatchInvalid' }));
  expect(() => parseS3Uri(uri)).toThrow(reason);
});

test('credentials in an address are never shown', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('s3://user:SECRET@b/a', 's3://bucket/a?X-Amz-Signature=SECRET', 's3://SECRET@b'),
      (uri) => {
        expect(() => parseS3Uri(uri)).toThrow(
          expect.objectContaining({ message: expect.not.stringContaining('SECRET') }),
        );
      },
    ),
  );
});
