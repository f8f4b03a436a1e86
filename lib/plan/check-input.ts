import { contradictions, contradictionsInOptions } from '../contract/contradictions.ts';
import { exceeding, limitOptions } from '../contract/deployed-limits.ts';
import type { Item } from '../contract/item.ts';
import type { GivenOptions } from '../contract/merge-options.ts';
import type { Options } from '../contract/options.ts';
import { problemsError } from '../contract/parse.ts';
import { type Problem, problem } from '../contract/problem.ts';
import { type TransformSpec, usesModule } from '../contract/transform.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { RunContext } from '../run-context.ts';
import { transformJudge, transformProblem } from '../transform/check-transform.ts';
import type { RunInput } from './run-input.ts';
import type { Status } from './status.ts';

/**
 * What can be known of a run before its first request: that its options and items go together, that the code they name is
 * there, and what the deployment allows of what they ask for.
 */
type Around = Pick<RunContext, 'limits' | 'concurrency' | 'userModule' | 'hasUserModule'>;

const WHERE = '`--module <file>` of `skyhaul run`, or the prop `module` of the construct';

/** In every round anew: the limits of a deployment hold for runs that began before them, too. */
export function withinLimits({ limits }: Around, settled: RunInput): RunInput {
  if (!limits) return settled;
  return { ...settled, input: { ...settled.input, options: limitOptions(settled.input.options, limits) } };
}

/** Names of the options that asked for more; none: nothing to say. */
export function loweredOptions({ limits = {}, concurrency }: Around, { given = {} }: RunInput): string[] | undefined {
  const asked = given as GivenOptions;
  const lowered = [...exceeding(asked, limits)];
  if ((asked.maxConcurrency ?? 0) > concurrency.ceiling) lowered.push('maxConcurrency');
  return lowered.length > 0 ? lowered : undefined;
}

/** Throws BatchInvalid before the list is read, or before what is left of it goes on. */
export function requirePossible(around: Around, run: string, options: Options, status: Status | undefined): void {
  if (status) {
    const needsModule = status.usesModule ?? usesModule(options.transform);
    if (!needsModule || status.left === 0 || hasModule(around)) return;
    throw new SkyhaulError('BatchInvalid', `run ${run} goes through a module of your own: continue it with ${WHERE}`);
  }
  const problems = [...contradictionsInOptions(options), ...problemsOf(options.transform, around, transformProblem)];
  if (problems.length > 0) throw problemsError('BatchInvalid', 'options', problems);
}

/** What is wrong with an item of the list, beyond its schema. */
export function itemJudge(around: Around, options: Options): (item: Item) => readonly Problem[] {
  const judge = transformJudge();
  return (item) => [...contradictions(item, options), ...problemsOf(item.transform, around, judge)];
}

function problemsOf(
  transform: TransformSpec | undefined,
  around: Around,
  judge: (spec: TransformSpec) => string | undefined,
): readonly Problem[] {
  if (!transform) return [];
  const problems: Problem[] = [];
  const wrong = judge(transform);
  if (wrong !== undefined) problems.push(problem('transform', 'steps that can be built', `\`transform\`: ${wrong}`));
  if (usesModule(transform) && !hasModule(around)) {
    problems.push(problem('transform', 'a module', `\`transform\`: \`module\` needs code of your own: ${WHERE}`));
  }
  return problems;
}

function hasModule({ userModule, hasUserModule }: Around): boolean {
  return userModule !== undefined || hasUserModule === true;
}
