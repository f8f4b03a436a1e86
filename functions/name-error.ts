import type { Logger } from '@aws-lambda-powertools/logger';
import type { MiddlewareObj } from '@middy/core';
import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';

/**
 * Lets an error out under its catalogue name, which the Lambda runtime reports and `ErrorEquals` matches, and in words
 * of ours only. The runtime logs the whole error and Step Functions keeps it in the execution's history, while a foreign
 * message may quote what it choked on: a URL, a header, a piece of a list.
 */
export function nameError<E, A>(logger: Logger, work: string): MiddlewareObj<E, A, Error> {
  return {
    onError(request) {
      const named = presentable(request.error);
      logger.error(`${work}.failed`, { failure: named.name, reason: named.message, causes: causesOf(request.error) });
      request.error = named;
    },
  };
}

/** Step Functions keeps 32,768 characters of a cause, the stack included. */
const MAX_MESSAGE = 4_000;
/** A message stands in the stack too, and may have lines that look like frames. */
const FRAME = /^ {4}at .*:\d+:\d+\)?$/gm;

export function presentable(thrown: unknown): SkyhaulError {
  const ours = thrown instanceof SkyhaulError;
  const { name, details } = toSkyhaulError(thrown);
  const message = ours ? cut(thrown.message) : `${describe(thrown)}, see the stack`;
  const named = new SkyhaulError(name, message, details);
  named.stack = [`${name}: ${message}`, ...framesOf(thrown)].join('\n');
  return named;
}

function framesOf(thrown: unknown): readonly string[] {
  if (!(thrown instanceof Error)) return [];
  return thrown.stack?.replace(thrown.message, '').match(FRAME) ?? [];
}

function cut(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE)}… (${message.length} characters)`;
}

/** Names and codes are the platform's and hold no data; messages might. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${error.name} ${code}` : error.name;
}

function causesOf(thrown: unknown): string[] {
  const causes: string[] = [];
  let cause = thrown instanceof SkyhaulError ? thrown.cause : undefined;
  while (cause !== undefined && causes.length < 5) {
    causes.push(describe(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}
