import { expect, test } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { classifyS3Error, isMissing, mayHaveHappened, toStoreError } from '../../lib/store/s3-errors.ts';

function s3Error(name: string, status?: number, code?: string): Error {
  return Object.assign(new Error('a message that must not matter: AccessDenied'), {
    name,
    ...(status === undefined ? {} : { $metadata: { httpStatusCode: status } }),
    ...(code === undefined ? {} : { code }),
  });
}

test.each([
  ['StoreThrottled', s3Error('SlowDown', 503)],
  ['StoreThrottled', s3Error('UnknownError', 503)],
  ['StoreThrottled', s3Error('UnknownError', 429)],
  ['StoreUnavailable', s3Error('InternalError', 500)],
  ['StoreUnavailable', s3Error('UnknownError', 502)],
  ['StoreUnavailable', s3Error('TimeoutError')],
  ['StoreUnavailable', s3Error('Error', undefined, 'ECONNRESET')],
  ['StoreUnavailable', s3Error('SyntaxError', 200)],
  ['StoreUnavailable', s3Error('RequestTimeout', 400)],
  ['StoreDenied', s3Error('AccessDenied', 403)],
  ['StoreDenied', s3Error('UnknownError', 403)],
  ['StoreDenied', s3Error('ExpiredToken', 400)],
  ['StoreDenied', s3Error('PermanentRedirect', 301)],
  ['StoreDenied', s3Error('CredentialsProviderError')],
  ['StoreDenied', s3Error('KMS.DisabledException', 400)],
  ['StoreMissing', s3Error('NoSuchBucket', 404)],
  ['ChecksumRefused', s3Error('BadDigest', 400)],
  ['ChecksumRefused', s3Error('InvalidPart', 400)],
  ['ChecksumRefused', s3Error('IncompleteBody', 400)],
  ['UploadLost', s3Error('NoSuchUpload', 404)],
  ['CommitConflict', s3Error('NoSuchKey', 404)],
  ['CommitConflict', s3Error('PreconditionFailed', 412)],
  ['CommitConflict', s3Error('ConditionalRequestConflict', 409)],
  ['KeyRefused', s3Error('KeyTooLongError', 400)],
  ['StoreFailed', s3Error('MethodNotAllowed', 405)],
  ['StoreFailed', s3Error('constructor', 400)],
  ['StoreFailed', 'not even an error'],
])('%s: %o', (name, error) => {
  expect(classifyS3Error(error, false).name).toBe(name);
});

test('InvalidRequest is about bytes only where bytes were sent', () => {
  expect(classifyS3Error(s3Error('InvalidRequest', 400), true).name).toBe('ChecksumRefused');
  expect(classifyS3Error(s3Error('InvalidRequest', 400), false).name).toBe('StoreFailed');
});

test('what may have happened is what has to be looked up', () => {
  for (const error of [s3Error('TimeoutError'), s3Error('NoSuchUpload', 404), s3Error('PreconditionFailed', 412)]) {
    expect(mayHaveHappened(error)).toBe(true);
  }
  for (const error of [s3Error('BadDigest', 400), s3Error('AccessDenied', 403)])
    expect(mayHaveHappened(error)).toBe(false);
});

test('an error tells object, code and status, and keeps its cause and nothing of its message', () => {
  const cause = s3Error('AccessDenied', 403);

  const error = toStoreError(cause, 's3://b/k', false);

  expect(error).toMatchObject({ name: 'StoreDenied', cause });
  expect(error.message).toBe('"s3://b/k": AccessDenied (403), reading needs s3:GetObject and s3:ListBucket.');
  const ours = new SkyhaulError('KeyRefused', 'ours');
  expect(toStoreError(ours, 's3://b/k', false)).toBe(ours);
});

test('a missing object is told from a missing bucket', () => {
  expect(isMissing(s3Error('NotFound', 404))).toBe(true);
  expect(isMissing(s3Error('NoSuchKey', 404))).toBe(true);
  expect(isMissing(s3Error('NoSuchBucket', 404))).toBe(false);
});
