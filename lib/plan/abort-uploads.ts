import { makesMany, type TransformSpec } from '../contract/transform.ts';
import { listed } from '../contract/work.ts';
import { getLines } from '../ledger/json-lines.ts';
import { CHUNK_LINES, runKeys } from '../ledger/run-keys.ts';
import { beginningOf } from '../manifest/object-key.ts';
import type { RunContext } from '../run-context.ts';
import type { ObjectStore, OpenUpload } from '../store/object-store.ts';
import { listedId } from '../store/upload-id.ts';

export interface WhichUploads {
  readonly destination: ObjectStore;
  /** Epoch milliseconds of the run's start. */
  readonly since: number;
  /** Lines of the list. */
  readonly items: number;
  /** Of the batch, for items without one of their own. */
  readonly transform?: TransformSpec | undefined;
  /** Ids of uploads that somebody goes on with. */
  readonly keep?: ReadonlySet<string>;
}

/** Clocks of S3 and of whoever started the run. */
const CLOCK_SKEW_MS = 60_000;

/**
 * Aborts the open uploads of a run, and no others: the key is one of its list, it began in the run's time, and it was our
 * role that began it. ListMultipartUploads shows no metadata, so nothing else can tell. Returns how many there were.
 */
export async function abortUploads(context: RunContext, run: string, which: WhichUploads): Promise<number> {
  const open = new Map<string, OpenUpload[]>();
  const kept = new Set(Array.from(which.keep ?? [], listedId));
  for await (const upload of which.destination.listUploads('')) {
    if (!isOurs(upload, context.uploader) || upload.initiatedAt < which.since - CLOCK_SKEW_MS) continue;
    if (kept.has(upload.id)) continue;
    open.set(upload.key, [...(open.get(upload.key) ?? []), upload]);
  }
  let aborted = 0;
  for (let chunk = 0; open.size > 0 && chunk * CHUNK_LINES < which.items; chunk += 1) {
    for await (const line of getLines(context.state, runKeys(run).items(chunk))) {
      const { key, nameAt, item } = listed.parse(line);
      const own = nameAt === undefined ? [key] : named(key, nameAt, open.keys());
      const keys = makesMany(item.transform ?? which.transform) ? own.flatMap((one) => below(one, open.keys())) : own;
      for (const one of keys) {
        for (const upload of open.get(one) ?? []) {
          await which.destination.abortUpload(upload);
          aborted += 1;
        }
        open.delete(one);
      }
    }
  }
  return aborted;
}

/**
 * Those that the item may have become. The name is its source's, which nobody remembers before the checkpoint of a large
 * file; so a run whose keys are `{filename}` and nothing more cannot tell its uploads from those of another one beside it.
 */
function named(key: string, nameAt: number, keys: Iterable<string>): string[] {
  const depth = key.split('/').length;
  const before = beginningOf(key, nameAt);
  return Array.from(keys).filter((one) => one.startsWith(before) && one.split('/').length === depth);
}

function below(key: string, keys: Iterable<string>): string[] {
  return Array.from(keys).filter((one) => one.startsWith(`${key}/`));
}

/** S3 names a role's session by its ARN. Whatever is no ARN (a directory, an emulator, the account itself) has no role. */
function isOurs({ initiator }: OpenUpload, uploader: string | undefined): boolean {
  if (uploader === undefined || initiator === undefined || !initiator.startsWith('arn:')) return true;
  return initiator.includes(`:assumed-role/${uploader}/`);
}
