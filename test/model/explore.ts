/**
 * Breadth-first search over every state that a model can reach. A state is remembered by 53 bits of a hash of its text:
 * of two million states the chance that any two of them are taken for one is below one in two thousand.
 */
export type Step<State> = readonly [label: string, next: State];

export interface Explorable<State> {
  readonly initial: State;
  readonly encode: (state: State) => string;
  readonly next: (state: State) => readonly Step<State>[];
  /** What is wrong with a state; `isFinal`: nothing can happen any more. */
  readonly judge: (state: State, isFinal: boolean) => string | undefined;
}

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  readonly finals: number;
  readonly depth: number;
  /** Every kind of step that was taken. */
  readonly labels: ReadonlySet<string>;
  /** The shortest way to something wrong, none where there is none. */
  readonly violation?: { readonly what: string; readonly trace: readonly string[] };
}

/** Throws where there are more than `most` states: a bound that is met proves nothing. */
export function explore<State>(model: Explorable<State>, most = 4_000_000): Explored {
  const { violation, ...counts } = search(model, most, undefined);
  if (violation === undefined) return counts;
  // Where each state came from is remembered only when somebody wants to know.
  const trace: string[] = [];
  search(model, most, trace);
  return { ...counts, violation: { what: violation, trace } };
}

function search<State>(model: Explorable<State>, most: number, trace: string[] | undefined) {
  const first = hash53(model.encode(model.initial));
  const seen = new Set<number>([first]);
  const cameFrom = new Map<number, readonly [from: number, label: string]>();
  const labels = new Set<string>();
  let [transitions, finals, depth] = [0, 0, 0];
  let level: (readonly [State, number])[] = [[model.initial, first]];
  for (; level.length > 0; depth += 1) {
    const following: (readonly [State, number])[] = [];
    for (const [state, id] of level) {
      const steps = model.next(state);
      if (steps.length === 0) finals += 1;
      const violation = model.judge(state, steps.length === 0);
      if (violation !== undefined) {
        trace?.push(...wayTo(id, cameFrom));
        return { states: seen.size, transitions, finals, depth, labels, violation };
      }
      for (const [label, next] of steps) {
        transitions += 1;
        labels.add(label);
        const key = hash53(model.encode(next));
        if (seen.has(key)) continue;
        seen.add(key);
        if (trace) cameFrom.set(key, [id, label]);
        following.push([next, key]);
      }
    }
    if (seen.size > most) throw new Error(`more than ${most} states`);
    level = following;
  }
  return { states: seen.size, transitions, finals, depth: depth - 1, labels, violation: undefined };
}

function wayTo(id: number, cameFrom: ReadonlyMap<number, readonly [number, string]>): string[] {
  const labels: string[] = [];
  for (let step = cameFrom.get(id); step; step = cameFrom.get(step[0])) labels.unshift(step[1]);
  return labels;
}

/** cyrb53: two multiplicative hashes side by side, 53 bits of them. */
function hash53(text: string): number {
  let [one, two] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    one = Math.imul(one ^ code, 2_654_435_761);
    two = Math.imul(two ^ code, 1_597_334_677);
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(two ^ (two >>> 13), 3_266_489_909);
  two = Math.imul(two ^ (two >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & two) + (one >>> 0);
}
