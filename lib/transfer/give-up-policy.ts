import type { SkyhaulError } from '../errors/skyhaul-error.ts';

/** Restarts because the source was another one each time; more often, and it does not hold still. */
const MAX_RESTARTS = 3;

/** Whether a later attempt may join what is stored of an upload that another attempt can take up: pure. */
export function mayGoOn(failure: SkyhaulError, canGoOn: boolean): boolean {
  return canGoOn && failure.retryable && failure.name !== 'UploadLost' && failure.name !== 'ChecksumRefused';
}

/**
 * What follows when the source is another version than the one that was begun, whose upload is given up: pure.
 * `elsewhere`: a range belongs to an item that begins again as one.
 */
export function afterChange(restarts: number, isRange: boolean): 'again' | 'elsewhere' | 'unstable' {
  if (isRange) return 'elsewhere';
  return restarts > MAX_RESTARTS ? 'unstable' : 'again';
}
