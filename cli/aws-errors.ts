import type { ErrorName } from '../lib/errors/catalogue.ts';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';

/**
 * What Step Functions, CloudFormation, Lambda and the credential chain say when they do not do as they are asked. By
 * code and status, never by message. The SDK has retried by then.
 */
const DENIED = [
  'AccessDenied',
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'OptInRequired',
  'SignatureDoesNotMatch',
  'TokenProviderError',
  'UnrecognizedClientException',
];

/** Codes that say that what the stack names is not there. */
const MISSING = ['StateMachineDoesNotExist', 'InvalidArn', 'ResourceNotFoundException', 'StateMachineDeleting'];

const THROTTLED = ['Throttling', 'ThrottlingException', 'TooManyRequestsException', 'TimeoutError'];

/** `call`: which permission it needs, such as `states:StartExecution`. */
export function toAwsError(error: unknown, call: string): SkyhaulError {
  if (error instanceof SkyhaulError) return error;
  const code = codeOf(error);
  const status = statusOf(error);
  return new SkyhaulError(nameOf(code, status), `${call}: ${code}${status === undefined ? '' : ` (${status})`}`, {
    cause: error,
  });
}

/** As the service spells it, else as Node does (`ECONNREFUSED`). */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as NodeJS.ErrnoException;
  return error.name === 'Error' || error.name === 'AggregateError' ? (code ?? error.name) : error.name;
}

function nameOf(code: string, status: number | undefined): ErrorName {
  if (DENIED.includes(code) || status === 401 || status === 403) return 'AwsDenied';
  if (MISSING.includes(code)) return 'StackNotFound';
  const isBroken = status === undefined && /^E[A-Z_]+$/.test(code);
  if (isBroken || THROTTLED.includes(code) || status === 429 || (status ?? 0) >= 500) return 'AwsUnavailable';
  return 'Unexpected';
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { $metadata } = error as { $metadata?: { httpStatusCode?: unknown } };
  return typeof $metadata?.httpStatusCode === 'number' ? $metadata.httpStatusCode : undefined;
}
