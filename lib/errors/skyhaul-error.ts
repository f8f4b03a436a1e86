import { type CatalogueEntry, catalogue, type ErrorName, isErrorName } from './catalogue.ts';

export interface ErrorDetails {
  /** HTTP status of the source, where there was one. */
  readonly status?: number;
  /** What the source asked for in Retry-After, already clamped (milliseconds from now). */
  readonly retryAfterMs?: number;
  /** Host whose limit or fault it was (the final one after redirects). */
  readonly host?: string;
  /** Nobody was asked: the host is known to refuse, and `retryAfterMs` is the time until it is asked again. */
  readonly isUnasked?: boolean;
  /** The problems of a bad input, one a line. */
  readonly problems?: readonly string[];
}

/**
 * The only error class that leaves `lib/`. `name` is a catalogue name, as a literal, so that it survives minification
 * and reaches `ErrorEquals`. `message` says what happened, with which value, and what was allowed; it never holds a
 * query string, user info or a header value.
 */
export class SkyhaulError extends Error {
  override readonly name: ErrorName;
  readonly details: ErrorDetails;

  constructor(name: ErrorName, message: string, details: ErrorDetails & { cause?: unknown } = {}) {
    const { cause, ...rest } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.name = name;
    this.details = rest;
  }

  get entry(): CatalogueEntry {
    return catalogue[this.name];
  }

  get retryable(): boolean {
    return this.entry.retryable;
  }
}

/** Foreign errors become `Unexpected`; those that carry a catalogue name keep it. */
export function toSkyhaulError(error: unknown): SkyhaulError {
  if (error instanceof SkyhaulError) return error;
  const name = error instanceof Error && isErrorName(error.name) ? error.name : 'Unexpected';
  return new SkyhaulError(name, error instanceof Error ? error.message : String(error), { cause: error });
}
