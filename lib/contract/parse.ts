import type { z } from 'zod';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { issueProblems } from './issue-problems.ts';
import { MAX_JSON_DEPTH } from './limits.ts';
import { type Problem, problem } from './problem.ts';

/**
 * The one way from foreign data into the contract's types. Everything that does not fit is named at once; unknown
 * fields are refused with the nearest known name, and so is `__proto__`, at any depth.
 */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Never throws.
 */
export function checkContract<S extends z.ZodType>(schema: S, value: unknown): Checked<z.output<S>> {
  const shape = shapeProblem(value, 0);
  if (shape) return { ok: false, problems: [shape] };
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, problems: parsed.error.issues.flatMap((issue) => issueProblems(schema, value, issue)) };
}

/**
 * @param where what the value is, for the message: "batch input"
 * @throws SkyhaulError `BatchInvalid`, with every problem in `details.problems`
 */
export function parseContract<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const checked = checkContract(schema, value);
  if (!checked.ok) throw problemsError('BatchInvalid', where, checked.problems);
  return checked.value;
}

/** One error for all problems: the first one stands in the message, the rest in `details.problems`. */
export function problemsError(
  name: 'BatchInvalid' | 'NotSupported' | 'ManifestInvalid',
  where: string,
  problems: readonly Problem[],
): SkyhaulError {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const message = `${where}: ${problems[0]?.text ?? 'is not valid'}${more}`;
  return new SkyhaulError(name, message, { problems: problems.map(({ text }) => text) });
}

/** zod skips `__proto__` in records; JSON.parse makes it an own property, and a later assignment a prototype. */
function shapeProblem(value: unknown, depth: number): Problem | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= MAX_JSON_DEPTH) {
    return problem('', `at most ${MAX_JSON_DEPTH} levels`, `nested deeper than ${MAX_JSON_DEPTH} levels`);
  }
  if (Object.hasOwn(value, '__proto__')) return problem('__proto__', 'a known field', 'unknown field `__proto__`');
  for (const child of Object.values(value)) {
    const found = shapeProblem(child, depth + 1);
    if (found) return found;
  }
  return undefined;
}
