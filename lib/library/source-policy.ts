import type { Options } from '../contract/options.ts';
import type { SourcePolicy } from '../source/source.ts';
import { userAgentOf } from '../source/user-agent.ts';

export function sourcePolicy(options: Options): SourcePolicy {
  return { ...options, userAgent: userAgentOf(options.request) };
}
