/**
 * Where hosts have been seen to redirect to, of each one the other hosts that its items were led to: pure. It decides who
 * shares lanes in the next round (lane-groups.ts), and who has to wait for whom.
 */
export type Leads = Readonly<Record<string, readonly string[]>>;

/** A host that leads to more is a shortener of links, not another name of something: it says nothing of its next item. */
const MAX_LEADS = 4;

export function leadsAnywhere(to: readonly string[]): boolean {
  return to.length > MAX_LEADS;
}

/** Whether one more host beside those that are known would change anything. */
export function mayLearn(known: ReadonlySet<string>, to: string): boolean {
  return !known.has(to) && known.size <= MAX_LEADS;
}

/** What is known, with what one shard saw. */
export function learn(known: Leads, seen: ReadonlyMap<string, ReadonlySet<string>> = new Map()): Leads {
  if (seen.size === 0) return known;
  const learned = Array.from(seen, ([host, to]): [string, readonly string[]] => {
    const all = new Set([...knownOf(host, known), ...Array.from(to).sort()]);
    return [host, Array.from(all).slice(0, MAX_LEADS + 1)];
  });
  return { ...known, ...Object.fromEntries(learned) };
}

/** A host, and where its items are led to. */
export function withLeads(host: string, leads: Leads): readonly string[] {
  const to = knownOf(host, leads);
  return leadsAnywhere(to) ? [host] : [host, ...to];
}

/** A host may be called `constructor`. */
function knownOf(host: string, leads: Leads): readonly string[] {
  return Object.hasOwn(leads, host) ? (leads[host] ?? []) : [];
}
