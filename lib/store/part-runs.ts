/**
 * Which parts of an upload are still to be sent, and how they are shared out among lanes. A function of the plan and of
 * the parts that are there, so Plan and every worker come to the same answer.
 */
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type PartPlan, partCount } from './part-plan.ts';

/** Parts `first` to `last`, inclusive. */
export interface PartRun {
  readonly first: number;
  readonly last: number;
}

/** The missing parts as the fewest runs, ascending. Of known length, or `within` parts that there are. */
export function missingRuns(plan: PartPlan, have: ReadonlySet<number>, within?: PartRun): readonly PartRun[] {
  const { first, last } = within ?? { first: 1, last: partCount(plan) };
  const runs: PartRun[] = [];
  for (let number = first; number <= last; number += 1) {
    if (have.has(number)) continue;
    const before = runs.at(-1);
    if (before && before.last === number - 1) runs[runs.length - 1] = { first: before.first, last: number };
    else runs.push({ first: number, last: number });
  }
  return runs;
}

/**
 * At most `count` ranges (1 or more) that share out the parts of ascending runs: disjoint, in order, none without a
 * missing part, none with two of them more than another. A range may reach over parts that are there already, so that
 * a riddled upload does not fall into thousands of ranges; whoever takes it asks for `missingRuns` within it.
 */
export function cutIntoRanges(runs: readonly PartRun[], count: number): readonly PartRun[] {
  const total = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const ranges = Math.min(count, total);
  /** Missing parts before range i. */
  const before = (range: number) => Math.floor((range * total) / ranges);
  return Array.from({ length: ranges }, (_, range) => ({
    first: missingAt(runs, before(range)),
    last: missingAt(runs, before(range + 1) - 1),
  }));
}

/** Number of the missing part that stands at `position`, from 0, among all of them. */
function missingAt(runs: readonly PartRun[], position: number): number {
  let left = position;
  for (const { first, last } of runs) {
    const parts = last - first + 1;
    if (left < parts) return first + left;
    left -= parts;
  }
  throw new SkyhaulError('Unexpected', `there is no missing part at ${position}`);
}
