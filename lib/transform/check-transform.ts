import type { TransformSpec } from '../contract/transform.ts';
import { toSkyhaulError } from '../errors/skyhaul-error.ts';
import { makeChain } from './chain.ts';
import { DEFAULT_TRANSFORM_LIMITS } from './limits.ts';

/** What is wrong with steps, if anything; expressions are compiled. The user's own code is left out: it may not be here. */
export function transformProblem(spec: TransformSpec): string | undefined {
  try {
    makeChain(
      spec.filter(({ name }) => name !== 'module'),
      DEFAULT_TRANSFORM_LIMITS,
    );
    return undefined;
  } catch (thrown) {
    return toSkyhaulError(thrown).message;
  }
}

/** Lists of millions have few transforms, and all lines of a kind have the same. */
const MAX_KEPT = 1_000;

/** The same, with answers kept for the texts that were asked last. */
export function transformJudge(): (spec: TransformSpec) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (spec) => {
    const text = JSON.stringify(spec);
    if (known.has(text)) return known.get(text);
    if (known.size >= MAX_KEPT) known.clear();
    const found = transformProblem(spec);
    known.set(text, found);
    return found;
  };
}
