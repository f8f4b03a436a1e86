import { nearest } from '../lib/contract/issue-problems.ts';
import { checkContract } from '../lib/contract/parse.ts';
import type { Problem } from '../lib/contract/problem.ts';
import { stepNames, type TransformSpec, transformSpec } from '../lib/contract/transform.ts';
import { transformProblem } from '../lib/transform/check-transform.ts';

/**
 * The steps given with --transform, each a name or a JSON object of a name and its options. Expressions are read here
 * once, so that a mistake in one is found before anything starts.
 */
export function readTransform(words: readonly string[]): { spec: TransformSpec | undefined; problems: string[] } {
  if (words.length === 0) return { spec: undefined, problems: [] };
  const refuse = (...problems: readonly string[]) => ({
    spec: undefined,
    problems: problems.map((why) => `--transform: ${why}`),
  });
  const steps: unknown[] = [];
  for (const word of words) {
    try {
      steps.push(word.startsWith('{') ? JSON.parse(word) : word);
    } catch {
      return refuse(`${JSON.stringify(word)} is not JSON`);
    }
  }
  const checked = checkContract(transformSpec, steps);
  if (!checked.ok) return refuse(...checked.problems.map((problem) => inWords(problem, steps)));
  const wrong = transformProblem(checked.value);
  return wrong === undefined ? { spec: checked.value, problems: [] } : refuse(wrong);
}

/** `[1].level` of the list is `level` of step 2 to whoever wrote it. */
function inWords({ field, text }: Problem, steps: readonly unknown[]): string {
  const [, at, rest = ''] = /^\[(\d+)\]\.?(.*)$/.exec(field) ?? [];
  if (at === undefined) return text;
  const place = `step ${Number(at) + 1}: `;
  if (rest === 'name') return place + unknownStep(steps[Number(at)]);
  return place + (rest === '' ? text.replace(/^`\[\d+\]`: /, '') : text.replace(`\`${field}\``, `\`${rest}\``));
}

const MAX_SHOWN = 60;

function unknownStep(step: unknown): string {
  const name: unknown = typeof step === 'object' && step !== null && 'name' in step ? step.name : step;
  const all = `the steps are ${stepNames.join(', ')}`;
  if (typeof name !== 'string') return `it has no \`name\`; ${all}`;
  const near = nearest(name, stepNames);
  const shown = name.length > MAX_SHOWN ? 'of such a long name' : JSON.stringify(name);
  return `there is no step ${shown}; ${near === undefined ? all : `did you mean \`${near}\`?`}`;
}
