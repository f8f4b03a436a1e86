/**
 * What S3's error codes mean to a run. By code and status, never by message. The client has retried by the time an error
 * arrives here.
 */
import type { ErrorName } from '../errors/catalogue.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** Our own code: the credentials had expired, and have been renewed since. */
export const RENEWED = 'CredentialsRenewed';

/** Codes of S3 (API reference, "Error responses"), of the credential chain and of Node. */
const BY_CODE: Readonly<Record<string, ErrorName>> = {
  SlowDown: 'StoreThrottled',
  ServiceUnavailable: 'StoreThrottled',
  Throttling: 'StoreThrottled',
  ThrottlingException: 'StoreThrottled',
  TooManyRequests: 'StoreThrottled',
  RequestLimitExceeded: 'StoreThrottled',
  InternalError: 'StoreUnavailable',
  OperationAborted: 'StoreUnavailable',
  RequestTimeout: 'StoreUnavailable',
  [RENEWED]: 'StoreUnavailable',
  RequestTimeTooSkewed: 'StoreUnavailable',
  TimeoutError: 'StoreUnavailable',
  AccessDenied: 'StoreDenied',
  AllAccessDisabled: 'StoreDenied',
  AccountProblem: 'StoreDenied',
  AuthorizationHeaderMalformed: 'StoreDenied',
  CredentialsProviderError: 'StoreDenied',
  ExpiredToken: 'StoreDenied',
  InvalidAccessKeyId: 'StoreDenied',
  InvalidToken: 'StoreDenied',
  PermanentRedirect: 'StoreDenied',
  SignatureDoesNotMatch: 'StoreDenied',
  TokenProviderError: 'StoreDenied',
  InvalidBucketName: 'StoreMissing',
  NoSuchBucket: 'StoreMissing',
  BadDigest: 'ChecksumRefused',
  EntityTooSmall: 'ChecksumRefused',
  EntityTooLarge: 'ChecksumRefused',
  IncompleteBody: 'ChecksumRefused',
  InvalidDigest: 'ChecksumRefused',
  InvalidPart: 'ChecksumRefused',
  InvalidPartOrder: 'ChecksumRefused',
  MalformedTrailerError: 'ChecksumRefused',
  XAmzContentChecksumMismatch: 'ChecksumRefused',
  NoSuchUpload: 'UploadLost',
  ConditionalRequestConflict: 'CommitConflict',
  // To If-Match, where nothing stands any more. A read takes it for what it is before it comes here.
  NoSuchKey: 'CommitConflict',
  PreconditionFailed: 'CommitConflict',
  KeyTooLong: 'KeyRefused',
  KeyTooLongError: 'KeyRefused',
};

const BROKEN_CONNECTIONS = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
];

export interface S3Failure {
  readonly name: ErrorName;
  /** S3's or Node's own code, to show. */
  readonly code: string;
  readonly status: number | undefined;
}

export function isBrokenConnection(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && BROKEN_CONNECTIONS.includes(String(error.code));
}

/** `carriesBytes`: the request had checksums or sizes in it, so that InvalidRequest is about them. */
export function classifyS3Error(error: unknown, carriesBytes: boolean): S3Failure {
  const code = error instanceof Error ? error.name : 'unknown';
  const status = statusOf(error);
  const failure = (name: ErrorName) => ({ name, code, status });
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return failure(known);
  if (code === 'InvalidRequest') return failure(carriesBytes ? 'ChecksumRefused' : 'StoreFailed');
  if (code.startsWith('KMS.')) return failure('StoreDenied');
  if (isBrokenConnection(error)) return { name: 'StoreUnavailable', code: error.code, status };
  // A HEAD has no body to tell a code in.
  switch (status) {
    case 301:
    case 401:
    case 403:
      return failure('StoreDenied');
    case 409:
    case 412:
      return failure('CommitConflict');
    case 429:
    case 503:
      return failure('StoreThrottled');
    default:
      // An answer of 200 that cannot be read was cut short.
      return failure(status !== undefined && (status >= 500 || status < 300) ? 'StoreUnavailable' : 'StoreFailed');
  }
}

export function toStoreError(error: unknown, uri: string, carriesBytes: boolean): SkyhaulError {
  if (error instanceof SkyhaulError) return error;
  const { name, code, status } = classifyS3Error(error, carriesBytes);
  const answer = status === undefined ? code : `${code} (${status})`;
  const hint = name === 'StoreDenied' && status === 403 ? ', reading needs s3:GetObject and s3:ListBucket' : '';
  return new SkyhaulError(name, `${JSON.stringify(uri)}: ${answer}${hint}.`, { cause: error });
}

/** As the SDK tells it. */
export function preconditionFailed(): Error {
  const told = { name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } };
  return Object.assign(new Error('a condition of the request does not hold'), told);
}

/** True when the request may have been carried out although no answer says so. */
export function mayHaveHappened(error: unknown): boolean {
  const { name } = classifyS3Error(error, true);
  return name === 'StoreUnavailable' || name === 'StoreThrottled' || name === 'CommitConflict' || name === 'UploadLost';
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'NotFound');
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata: unknown = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}
