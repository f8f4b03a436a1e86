import { z } from 'zod';
import type { HostRow, OutcomeRow } from '../contract/ledger-row.ts';
import type { Options } from '../contract/options.ts';
import { errorNames } from '../errors/catalogue.ts';
import type { ShardFold } from '../ledger/fold-shard.ts';
import { failedRow } from './failed-row.ts';
import type { Left } from './status.ts';

/**
 * Hosts that refuse, from round to round: pure. Each waits longer every time it refuses again, is then tried by one lane,
 * and has a budget of its own: behind it what is left of the host fails with the host's error, without being asked for.
 * A host that has answered in between begins anew.
 */
export const hostTrouble = z.strictObject({
  host: z.string(),
  error: z.enum(errorNames),
  message: z.string(),
  status: z.int().optional(),
  /** Rounds in a row in which it refused. */
  refusals: z.int().min(1),
  /** Epoch milliseconds of the first of them. */
  since: z.int(),
  /** Epoch milliseconds; nobody asks before. */
  until: z.int(),
});
export type HostTrouble = z.infer<typeof hostTrouble>;

export type HostBudget = Pick<Options, 'hostAttempts' | 'hostTimeoutMs'>;

const FIRST_WAIT_MS = 30_000;
const MAX_WAIT_MS = 600_000;

export interface HostRound {
  /** What workers were told; the row that asks for most time counts. */
  readonly refused: ReadonlyMap<string, HostRow>;
  /** Hosts that have given somebody an answer. */
  readonly answered: ReadonlySet<string>;
  readonly now: number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

export function foldHosts(before: readonly HostTrouble[], { refused, answered, now, random }: HostRound) {
  const next = new Map<string, HostTrouble>();
  for (const trouble of before) if (!answered.has(trouble.host)) next.set(trouble.host, trouble);
  for (const [host, { error, message, status, notBefore }] of refused) {
    const { refusals = 0, since = now } = next.get(host) ?? {};
    // Full jitter above what the worker chose, or the host has asked for.
    const longest = refusals === 0 ? 0 : Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** refusals);
    const until = Math.max(notBefore, Math.round(now + random() * longest));
    next.set(host, {
      host,
      error,
      message,
      ...(status !== undefined && { status }),
      refusals: refusals + 1,
      since,
      until,
    });
  }
  return next;
}

/** No further probe: the host has refused as often, or for as long, as the run bears it. */
export function isSpent({ refusals, since }: HostTrouble, budget: HostBudget, now: number): boolean {
  return refusals >= budget.hostAttempts || now - since >= (budget.hostTimeoutMs ?? Number.POSITIVE_INFINITY);
}

/** Hosts of a shard that gave somebody an answer, a bad one too: they are not dead, and do not refuse everybody. */
export function* answeringHosts(items: readonly Left[], fold: ShardFold): Iterable<string> {
  for (const { index, host, behind, copyOf } of items) {
    // What is copied asks no host.
    if (copyOf) continue;
    const outcome = fold.outcomes.get(index);
    const isAnswered =
      (outcome ? showsAnswer(outcome) : isStatus(fold.deferred.get(index))) ||
      fold.checkpoints.get(index)?.some(({ row }) => row === 'part');
    if (!isAnswered) continue;
    yield host;
    if (behind !== undefined) yield behind;
  }
}

/** Of one that failed without a status nothing is known. */
function showsAnswer(row: OutcomeRow): boolean {
  if (row.outcome === 'failed') return isStatus(row);
  // What stands already, or was fetched by another line, was not asked for.
  return row.outcome === 'stored' || row.reason === 'unchanged';
}

function isStatus(row: Pick<OutcomeRow, 'status' | 'error'> | undefined): boolean {
  return row?.status !== undefined && row.error !== 'Throttled';
}

const MAX_SHOWN = 5;

/** For whoever watches: why the run waits. */
export function refusing(troubles: readonly HostTrouble[] = []) {
  const shown = troubles.slice(0, MAX_SHOWN).map(({ host, error }) => ({ host, error }));
  return shown.length > 0 ? { refusing: shown } : {};
}

/** A line that is given up with its host. `attempts` are those that it had itself. */
export function refusedRow(item: Left, trouble: HostTrouble, now: number): OutcomeRow {
  const { host, error, message, status, refusals, since } = trouble;
  const often = refusals === 1 ? 'once' : `${refusals} times in a row`;
  const minutes = Math.max(1, Math.round((now - since) / 60_000));
  return failedRow(item, {
    error,
    message: `${host} refused ${often} within ${minutes} min, and was not asked for this line again; at last: ${message}`,
    status,
    attempts: item.attempts,
  });
}
