import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leadsAnywhere, learn, mayLearn, withLeads } from '../../lib/ledger/leads.ts';

const host = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const seen = fc
  .dictionary(host, fc.uniqueArray(host, { minLength: 1, maxLength: 7 }))
  .map((record) => new Map(Object.entries(record).map(([from, to]) => [from, new Set(to)])));

describe('what is learned of redirects', () => {
  it('is the same for the same rows, stays known, and stays short', () => {
    fc.assert(
      fc.property(seen, seen, (first, second) => {
        const known = learn({}, first);
        const more = learn(known, second);

        expect(learn(more, second)).toEqual(more);
        for (const [from, to] of Object.entries(known)) expect(more[from]).toEqual(expect.arrayContaining([...to]));
        for (const to of Object.values(more)) expect(to.length).toBeLessThanOrEqual(5);
      }),
    );
  });

  it('says of a host that leads to more than four others that it leads anywhere, and nothing else', () => {
    const leads = learn({}, new Map([['short', new Set(['a', 'b', 'c', 'd', 'e', 'f'])]]));

    expect(leadsAnywhere(leads.short ?? [])).toBe(true);
    expect(withLeads('short', leads)).toEqual(['short']);
    expect(withLeads('x', { x: ['y'] })).toEqual(['x', 'y']);
  });

  it.for(['constructor', '__proto__'])('takes a host called %s for nothing else', (name) => {
    expect(withLeads(name, {})).toEqual([name]);
    expect(withLeads(name, learn({}, new Map([[name, new Set(['b'])]])))).toEqual([name, 'b']);
  });

  it('ends with the host that tells it, so that a shortener does not fill the ledger', () => {
    const known = new Set<string>();
    for (const to of ['a', 'b', 'b', 'c', 'd', 'e', 'f', 'g']) if (mayLearn(known, to)) known.add(to);

    expect(Array.from(known)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
