import { readFile } from 'node:fs/promises';
import type { LedgerRow } from '../../lib/contract/ledger-row.ts';
import { encodeLine, getJson, putJson, putText } from '../../lib/ledger/json-lines.ts';
import { CHUNK_LINES, runKeys } from '../../lib/ledger/run-keys.ts';
import { planRun } from '../../lib/plan/plan-run.ts';
import { writeStatus } from '../../lib/plan/status.ts';
import { reportRun } from '../../lib/report/report-run.ts';
import type { RunContext } from '../../lib/run-context.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';

/**
 * A process of its own with the memory of a Lambda: folds the ledger of a round of very many lines into a status, then
 * reports them, as often as the entry points answer `continue`. Prints its figures as JSON.
 */
const [folder = '', lines = '1000000', secondsLeft = '900'] = process.argv.slice(2);
const LINES = Number(lines);
const SHARDS = 1_000;
const run = 'million';
const state = openLocalStore(folder);
const keys = runKeys(run);
const any = { condition: { kind: 'any' } } as const;
const url = (index: number) => `https://host-${index % 50_000}.example/files/${index}/document.pdf`;

async function generate(): Promise<void> {
  const input = { run, manifest: { uri: 's3://bucket/list.txt' }, to: 's3://bucket/data', options: {} };
  const { batchInput } = await import('../../lib/contract/batch-input.ts');
  await putJson(state, keys.input, { input: batchInput.parse(input), startedAt: 0 }, any);
  for (let chunk = 0; chunk * CHUNK_LINES < LINES; chunk += 1) {
    const indices = Array.from(
      { length: Math.min(CHUNK_LINES, LINES - chunk * CHUNK_LINES) },
      (_, at) => chunk * CHUNK_LINES + at,
    );
    const items = indices.map((index) => ({
      index,
      line: index + 1,
      key: `files/${index}`,
      item: { url: url(index) },
    }));
    await putText(state, keys.items(chunk), items.map(encodeLine).join(''), any);
  }
  const members: string[] = [];
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const indices = Array.from({ length: LINES / SHARDS }, (_, at) => at * SHARDS + shard);
    members.push(encodeLine({ shard, items: indices }));
    const rows: LedgerRow[] = [{ row: 'started', at: 1, livesUntil: 2 }, ...indices.map(outcome)];
    rows.push({ row: 'ended', at: 2, ms: 1, memoryBytes: 1, requests: { put: 1, get: 1 } });
    await putText(state, keys.ledger({ round: 0, shard }, 'attempt', 0), rows.map(encodeLine).join(''), any);
  }
  await putText(state, keys.members(0), members.join(''), any);
  await putJson(state, keys.shards(0), [], any);
  const status = {
    round: 0,
    items: LINES,
    left: LINES,
    failed: 0,
    bytes: 0,
    skipped: 0,
    idleRounds: 0,
    historyEvents: 0,
    busyUntil: 0,
    manifestEtag: '',
    spent: { put: 0, get: 0, gigabyteSeconds: 0, invocations: 0 },
  };
  await writeStatus(state, run, status, left());
}

function* left() {
  for (let index = 0; index < LINES; index += 1) {
    yield { index, line: index + 1, host: new URL(url(index)).host, attempts: 0, notBefore: 0, crashes: 0 };
  }
}

function outcome(index: number): LedgerRow {
  const failed = index % 100 === 0;
  return {
    row: 'outcome',
    index,
    line: index + 1,
    url: url(index),
    key: `files/${index}`,
    attempts: 1,
    ms: 120,
    status: failed ? 404 : 200,
    ...(failed
      ? { outcome: 'failed', error: 'NotFound', message: 'answered 404' }
      : {
          outcome: 'stored',
          bytes: 12_345,
          crc32: '00c0ffee',
          verified: 'length',
          sourceEtag: '"5f3a-1b2c"',
          objectEtag: '"abc"',
        }),
  };
}

function context(): RunContext {
  const openDestination = () => openLocalStore(`${folder}-data`);
  return {
    state,
    openDestination,
    openManifest: () => Promise.reject(new Error('not asked for')),
    now: Date.now,
    random: Math.random,
    signal: new AbortController().signal,
    deadline: Date.now() + Number(secondsLeft) * 1_000,
    attempt: crypto.randomUUID(),
    memoryBytes: 512 * 1024 * 1024,
    inProcess: false,
    allowNetworks: [],
    maxShards: 10_000,
    concurrency: { default: 50, ceiling: 50 },
    owner: { execution: 'e' },
    isAlive: async () => true,
    emit: () => undefined,
  };
}

async function peakBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
}

const execution = { id: 'e', name: 'e', startedAt: '' };
if (process.argv.includes('--generate')) await generate();
else {
  const plan = {
    run,
    round: 0,
    next: 'fan-out',
    waitSeconds: 0,
    maxConcurrency: 50,
    mode: 'distributed',
    shards: [],
    shardsAt: { bucket: '', key: '' },
  } as const;
  const startedAt = Date.now();
  let answer = await planRun({ execution, input: plan }, context());
  let planCalls = 1;
  for (; answer.next === 'continue'; planCalls += 1) answer = await planRun({ execution, input: answer }, context());
  const foldedAt = Date.now();
  const foldPeak = await peakBytes();
  let report = await reportRun({ run }, context());
  let reportCalls = 1;
  for (; report.next === 'continue'; reportCalls += 1) report = await reportRun(report, context());
  const summary = await getJson(state, keys.summary);
  console.log(
    JSON.stringify({
      foldSeconds: (foldedAt - startedAt) / 1_000,
      reportSeconds: (Date.now() - foldedAt) / 1_000,
      foldPeakMB: Math.round(foldPeak / 1e6),
      peakMB: Math.round((await peakBytes()) / 1e6),
      planCalls,
      reportCalls,
      next: answer.next,
      summary,
    }),
  );
}
