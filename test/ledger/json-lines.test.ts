import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeLine, getLines, putLines } from '../../lib/ledger/json-lines.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';

it('reads back every value that was written, line separators of Unicode and long lines among them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'skyhaul-lines-'));
  const store = openLocalStore(folder);
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a\u2028b', 'c\r\nd', 'ü'.repeat(300_000)));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ text }), { maxLength: 20 }), async (values) => {
      await putLines(store, 'lines', values.map(encodeLine), { condition: { kind: 'any' } });

      const found: unknown[] = [];
      for await (const value of getLines(store, 'lines')) found.push(value);

      expect(found).toEqual(values);
    }),
    { numRuns: 50 },
  );
  await rm(folder, { recursive: true, force: true });
});
