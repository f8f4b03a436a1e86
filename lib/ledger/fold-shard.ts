import type { CheckpointRow, DeferredRow, HostRow, LedgerRow, OutcomeRow } from '../contract/ledger-row.ts';

/** Every row that one attempt left behind, in any order. */
export interface AttemptRows {
  readonly attempt: string;
  readonly rows: readonly LedgerRow[];
}

export interface ShardFold {
  readonly outcomes: ReadonlyMap<number, OutcomeRow>;
  readonly deferred: ReadonlyMap<number, DeferredRow>;
  /** Hosts that refuse, by name, each with the row that asks for most time. */
  readonly hosts?: ReadonlyMap<string, HostRow>;
  /** Where hosts were seen to redirect to. */
  readonly redirects?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Milliseconds that hosts want between two requests. */
  readonly delays?: ReadonlyMap<string, number>;
  /** Rows about open uploads, by item. */
  readonly checkpoints: ReadonlyMap<number, readonly CheckpointRow[]>;
  /** Some attempt began and never ended: its Lambda was killed, or lives still. */
  readonly crashed: boolean;
  /** Epoch milliseconds up to which an attempt without end may still be at work; 0: none can. */
  readonly busyUntil: number;
}

/**
 * What the rows of one shard say, whatever their order and however often they stand there: lost, doubled and late rows of
 * a zombie never change an outcome that another row proves. An object that was stored stays stored, although another
 * attempt failed on it; an outcome outweighs every deferral.
 */
export function foldShard(attempts: readonly AttemptRows[]): ShardFold {
  const outcomes = new Map<number, OutcomeRow>();
  const deferred = new Map<number, DeferredRow>();
  const hosts = new Map<string, HostRow>();
  const redirects = new Map<string, Set<string>>();
  const delays = new Map<string, number>();
  const checkpoints = new Map<number, CheckpointRow[]>();
  let crashed = false;
  let busyUntil = 0;

  for (const { rows } of attempts) {
    let livesUntil: number | undefined;
    let hasEnded = false;
    for (const row of rows) {
      switch (row.row) {
        case 'started':
          livesUntil = row.livesUntil;
          break;
        case 'ended':
          hasEnded = true;
          break;
        case 'outcome':
          keep(outcomes, row.index, row, outranks);
          break;
        case 'deferred':
          keep(deferred, row.index, row, isLater);
          break;
        case 'host':
          keep(hosts, row.host, row, asksForMore);
          break;
        case 'redirect':
          redirects.set(row.host, (redirects.get(row.host) ?? new Set()).add(row.to));
          break;
        case 'delay':
          delays.set(row.host, Math.max(row.ms, delays.get(row.host) ?? 0));
          break;
        default:
          append(checkpoints, row);
      }
    }
    if (hasEnded || rows.length === 0) continue;
    // Without `livesUntil` the attempt ran in a process of the user's own, whose end says nothing about the items.
    crashed ||= livesUntil !== undefined;
    busyUntil = Math.max(busyUntil, livesUntil ?? 0);
  }
  for (const index of outcomes.keys()) deferred.delete(index);
  return { outcomes, deferred, hosts, redirects, delays, checkpoints, crashed, busyUntil };
}

function keep<Key, Row>(into: Map<Key, Row>, key: Key, row: Row, isBetter: (row: Row, than: Row) => boolean): void {
  const found = into.get(key);
  if (!found || isBetter(row, found)) into.set(key, row);
}

const RANK = { stored: 2, skipped: 1, failed: 0 };

function outranks(row: OutcomeRow, than: OutcomeRow): boolean {
  if (RANK[row.outcome] !== RANK[than.outcome]) return RANK[row.outcome] > RANK[than.outcome];
  return JSON.stringify(row) < JSON.stringify(than);
}

function isLater(row: DeferredRow, than: DeferredRow): boolean {
  if (row.attempts !== than.attempts) return row.attempts > than.attempts;
  if ((row.notBefore ?? 0) !== (than.notBefore ?? 0)) return (row.notBefore ?? 0) > (than.notBefore ?? 0);
  return JSON.stringify(row) < JSON.stringify(than);
}

function asksForMore(row: HostRow, than: HostRow): boolean {
  if (row.notBefore !== than.notBefore) return row.notBefore > than.notBefore;
  return JSON.stringify(row) < JSON.stringify(than);
}

function append(into: Map<number, CheckpointRow[]>, row: CheckpointRow): void {
  const found = into.get(row.index);
  if (found) found.push(row);
  else into.set(row.index, [row]);
}
