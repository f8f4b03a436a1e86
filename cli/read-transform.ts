import { type TransformSpec, transformSpec } from '../lib/contract/transform.ts';
import { toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { makeChain } from '../lib/transform/chain.ts';
import { DEFAULT_TRANSFORM_LIMITS } from '../lib/transform/limits.ts';

/**
 * The steps given with --transform, each a name or a JSON object of a name and its options. Expressions are read here
 * once, so that a mistake in one is found before anything starts.
 */
export function readTransform(words: readonly string[]): { spec: TransformSpec | undefined; problems: string[] } {
  if (words.length === 0) return { spec: undefined, problems: [] };
  const problem = (why: string) => ({ spec: undefined, problems: [`--transform: ${why}`] });
  const steps: unknown[] = [];
  for (const word of words) {
    try {
      steps.push(word.startsWith('{') ? JSON.parse(word) : word);
    } catch {
      return problem(`${JSON.stringify(word)} is not JSON`);
    }
  }
  const { data, error } = transformSpec.safeParse(steps);
  if (!data)
    return problem(error.issues.map(({ path, message }) => `step ${Number(path[0]) + 1}: ${message}`).join('; '));
  try {
    // The user's own code is not here, nor is it in the options of the step.
    const known = data.filter(({ name }) => name !== 'module');
    makeChain(known, DEFAULT_TRANSFORM_LIMITS);
  } catch (thrown) {
    return problem(toSkyhaulError(thrown).message);
  }
  return { spec: data, problems: [] };
}
