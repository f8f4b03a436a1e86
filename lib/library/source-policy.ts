import type { Options } from '../contract/options.ts';
import { DEFAULT_USER_AGENT, type SourcePolicy } from '../source/source.ts';

export function sourcePolicy(options: Options): SourcePolicy {
  return { ...options, userAgent: options.request?.userAgent ?? DEFAULT_USER_AGENT };
}
