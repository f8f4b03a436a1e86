import type { Options } from '../contract/options.ts';
import type { SourcePolicy } from '../source/source.ts';

const USER_AGENT = 'skyhaul/0.1 (+https://github.com/skyhaul/skyhaul)';

export function sourcePolicy(options: Options): SourcePolicy {
  return { ...options, userAgent: options.request?.userAgent ?? USER_AGENT };
}
