import { describe, expect, onTestFinished } from 'vitest';
import type { PlanAnswer } from '../../lib/contract/machine.ts';
import { readShardLedger } from '../../lib/ledger/read-ledger.ts';
import type { RunContext } from '../../lib/run-context.ts';
import { crc32 } from '../../lib/store/crc32.ts';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { parseS3Uri } from '../../lib/store/s3-uri.ts';
import { startMemoryS3 } from '../support/memory-s3.ts';
import { it, type Rig } from '../support/run-context.ts';
import { type Rule, refuse } from '../support/store-faults-rules.ts';

const TO = 's3://bucket/data';
const paths = Array.from({ length: 60 }, (_, index) => `/${String(index).padStart(3, '0')}`);
const ABSENT = { kind: 'absent' } as const;

/** Sixty small files, and an S3 to put them into. */
async function serve(rig: Rig, faults: Rule[] = []) {
  for (const path of paths) rig.origin.on(path, { headers: { ETag: `"${path}"` }, body: `body of ${path}` });
  const s3 = await startMemoryS3({ buckets: ['bucket'], faults });
  onTestFinished(() => s3.close());
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const open = (to: string) =>
    openS3Store({
      ...parseS3Uri(to),
      client: createS3Client({ endpoint: s3.endpoint, region: 'us-east-1', credentials }),
    });
  const destination = open(TO);
  onTestFinished(() => destination.close());
  const put = (key: string, text: string) =>
    destination.put(key, Buffer.from(text), { condition: ABSENT, crc32: crc32(Buffer.from(text)) });
  const more: Partial<RunContext> = { openDestination: open };
  const input = (run = 'r', options: object = {}) => {
    const items = paths.map((path) => ({ url: rig.origin.url(path), key: path.slice(1) }));
    return { run, items, to: TO, options: { perHostConnections: 1, ...options } };
  };
  const run = (options: object = {}, name = 'r') => rig.run(input(name, options), more);
  const plan = () => rig.plan(input(), rig.context(more));
  const transfer = (planned: PlanAnswer) => rig.transfer(planned, rig.context(more));
  const outcomes = async () => {
    const attempts = await readShardLedger(rig.context().state, 'r', { round: 0, shard: 0 });
    return attempts.flatMap(({ rows }) => rows.flatMap((row) => (row.row === 'outcome' ? [row] : [])));
  };
  /** Requests about targets. Plan's own listing, of another prefix, is one of them. */
  const counts = () => ({ head: s3.count('head'), list: s3.count('list'), put: s3.count('put') });
  return { s3, run, plan, transfer, outcomes, put, counts };
}

const textOf = (s3: { bytesOf: (bucket: string, key: string) => Buffer | undefined }, key: string) =>
  s3.bytesOf('bucket', `data/${key}`)?.toString();

describe('the targets of a shard in S3', () => {
  it('are listed once, and what stands at none of them is not looked at', async ({ rig }) => {
    const { s3, run, counts } = await serve(rig);

    const outcomes = await run();

    expect(outcomes.map(({ outcome }) => outcome)).toEqual(paths.map(() => 'stored'));
    expect(textOf(s3, '042')).toBe('body of /042');
    // The smallest key stands outside of the listing.
    expect(counts()).toEqual({ head: 1, list: 2, put: 60 });
  });

  it('are looked at where something stands, and nothing is fetched again', async ({ rig }) => {
    const { run, counts } = await serve(rig);
    await run();
    const before = counts();

    const outcomes = await run({}, 'again');

    expect(outcomes.map(({ reason }) => reason)).toEqual(paths.map(() => 'unchanged'));
    expect(counts()).toEqual({ head: before.head + 60, list: before.list + 2, put: before.put });
  });

  it.for(['never', 'if-changed', 'always'] as const)('keep to overwrite: %s', async (overwrite, { rig }) => {
    const { s3, run, put, counts } = await serve(rig);
    await put('030', 'of somebody else');

    const outcomes = await run({ overwrite });

    const [kept, wanted] = ['of somebody else', 'body of /030'];
    expect(outcomes[30]?.outcome).toBe(overwrite === 'never' ? 'skipped' : 'stored');
    expect(textOf(s3, '030')).toBe(overwrite === 'never' ? kept : wanted);
    expect(counts().head).toBe(2);
  });

  it('are looked at one by one where listing is not allowed', async ({ rig }) => {
    const { run, counts } = await serve(rig, [{ on: 'list', nth: 2, times: 1_000, do: refuse('AccessDenied') }]);

    const outcomes = await run();

    expect(outcomes.map(({ outcome }) => outcome)).toEqual(paths.map(() => 'stored'));
    expect(counts()).toMatchObject({ head: 60, put: 60 });
  });

  it.for([
    ['never', 'skipped', 'of somebody else'],
    ['if-changed', 'stored', 'body of /030'],
    ['always', 'stored', 'body of /030'],
  ] as const)(
    'that somebody else writes meanwhile are looked at then, overwrite: %s',
    async ([overwrite, outcome, text], { rig }) => {
      const there = { put: undefined as ((key: string, text: string) => Promise<unknown>) | undefined };
      const before = () => there.put?.('030', 'of somebody else');
      const { s3, run, put } = await serve(rig, [{ on: 'put', key: 'data/029', times: 1, do: { before } }]);
      there.put = put;

      const outcomes = await run({ overwrite });

      expect(outcomes[30]).toMatchObject({ outcome, attempts: 1 });
      expect(textOf(s3, '030')).toBe(text);
      expect(outcomes.filter((one) => one.outcome === 'failed')).toEqual([]);
    },
  );

  it('L07: that another attempt of the run writes meanwhile are adopted', async ({ rig }) => {
    const { s3, plan, transfer, outcomes } = await serve(rig);
    const whole = { headers: { ETag: '"/000"' }, body: 'body of /000' };
    rig.origin.on('/000', [{ ...whole, stall: { afterBytes: 4, forMs: 1_500 } }, whole]);
    const planned = await plan();

    const slow = transfer(planned);
    await rig.until(async () => rig.origin.requests.length === 1);
    await transfer(planned);
    const before = s3.count('head');
    await slow;

    // It had listed the targets before all that.
    expect(s3.count('head')).toBeGreaterThan(before + 60);
    expect((await outcomes()).map(({ outcome }) => outcome)).toEqual([...paths, ...paths].map(() => 'stored'));
    expect(s3.commits()).toHaveLength(60);
  });
});
