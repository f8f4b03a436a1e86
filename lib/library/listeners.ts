import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** What the caller's own code threw, with where it came from. Errors of ours keep their names. */
export function callbackFailure(name: string, error: unknown): SkyhaulError {
  if (error instanceof SkyhaulError) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new SkyhaulError('TransformFailed', `${name}: ${text}`, { cause: error });
}

/**
 * A listener whose failure is thrown as `TransformFailed`. One that turns out to be asynchronous is not waited for, and
 * its rejection goes to `onRejected` instead of ending the process.
 */
export function guarded<T>(
  name: string,
  listener: ((value: T) => unknown) | undefined,
  onRejected: (error: SkyhaulError) => void,
): (value: T) => void {
  return (value) => {
    try {
      const result = listener?.(value);
      if (result instanceof Promise) result.catch((error: unknown) => onRejected(callbackFailure(name, error)));
    } catch (error) {
      throw callbackFailure(name, error);
    }
  };
}
