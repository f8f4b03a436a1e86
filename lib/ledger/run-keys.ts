/**
 * Where everything of a run lies below `<state>`. Numbers are padded so that a listing comes in their order. The lines
 * of a list are kept in chunks of CHUNK_LINES, so that any of them can be read or reported without the others.
 */
export const CHUNK_LINES = 10_000;

const pad = (number: number, digits: number) => String(number).padStart(digits, '0');

export interface ShardAddress {
  readonly round: number;
  readonly shard: number;
}

export function runKeys(run: string) {
  const base = `runs/${run}`;
  const status = (round: number) => `${base}/status/${pad(round, 4)}`;
  const roundOf = (round: number) => `${base}/rounds/${pad(round, 4)}`;
  const ledger = (round: number) => `${base}/ledger/${pad(round, 4)}`;
  return {
    claim: `${base}/claim.json`,
    input: `${base}/input.json`,
    /** Lies there when somebody asked the run to stop. */
    stop: `${base}/stop.json`,
    invalid: `${base}/invalid.jsonl`,
    report: `${base}/report.jsonl`,
    /** What the report counted, for whoever writes the rest of it. */
    counted: `${base}/counted.json`,
    failed: `${base}/failed.jsonl`,
    summary: `${base}/summary.json`,
    html: `${base}/report.html`,
    statusPrefix: `${base}/status/`,
    /** Written last: a status without it does not count. */
    status: (round: number) => `${status(round)}/status.json`,
    left: (round: number) => `${status(round)}/left.jsonl`,
    items: (chunk: number) => `${status(0)}/items/${pad(chunk, 6)}.jsonl`,
    outcomesPrefix: (round: number) => `${status(round)}/outcomes/`,
    outcomes: (round: number, chunk: number, sequence: number) =>
      `${status(round)}/outcomes/${pad(chunk, 6)}-${pad(sequence, 4)}.jsonl`,
    shards: (round: number) => `${roundOf(round)}/shards.json`,
    /** Which items Plan put into which shard. */
    members: (round: number) => `${roundOf(round)}/members.jsonl`,
    shard: ({ round, shard }: ShardAddress) => `${roundOf(round)}/shards/${pad(shard, 5)}.jsonl`,
    /** Lies there when a round has more failures than the run allows. Where the workers may write: beside the ledger. */
    full: (round: number) => `${base}/ledger/full-${pad(round, 4)}.json`,
    ledgerPrefix: (round: number) => `${ledger(round)}/`,
    shardLedgerPrefix: ({ round, shard }: ShardAddress) => `${ledger(round)}/${pad(shard, 5)}/`,
    ledger: ({ round, shard }: ShardAddress, attempt: string, sequence: number) =>
      `${ledger(round)}/${pad(shard, 5)}/${attempt}-${pad(sequence, 5)}.jsonl`,
  };
}

export function chunkOf(index: number): number {
  return Math.floor(index / CHUNK_LINES);
}

/** The round in `…/status/<round>/status.json`; undefined for every other key. */
export function roundOfStatusKey(key: string): number | undefined {
  const match = /\/status\/(\d+)\/status\.json$/.exec(key);
  return match ? Number(match[1]) : undefined;
}

/** The chunk in `…/outcomes/<chunk>-<sequence>.jsonl`. */
export function chunkOfOutcomesKey(key: string): number {
  return Number(/\/(\d+)-\d+\.jsonl$/.exec(key)?.[1] ?? Number.NaN);
}

/** Shard and attempt in `…/ledger/<round>/<shard>/<attempt>-<sequence>.jsonl`. */
export function partsOfLedgerKey(key: string): { readonly shard: number; readonly attempt: string } | undefined {
  const match = /\/ledger\/\d+\/(\d+)\/(.+)-\d+\.jsonl$/.exec(key);
  return match?.[1] && match[2] ? { shard: Number(match[1]), attempt: match[2] } : undefined;
}
