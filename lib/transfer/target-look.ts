import type { ItemWork } from '../contract/work.ts';
import type { ObjectStore, StoredObject } from '../store/object-store.ts';
import { KnownAbsent } from './known-absent.ts';
import { isNamedLate } from './object-name.ts';

/** Whether the listing of a shard may tell of it: it has not been worked on before, and its key stands fast. */
function mayBeListed(work: ItemWork): boolean {
  const { result = 'object' } = work.item;
  return work.kind === 'item' && !work.open && work.attempts === 0 && !isNamedLate(work) && result === 'object';
}

/** Where a look costs a request: in S3. */
export function listTargets(lanes: readonly (readonly ItemWork[])[], destination: ObjectStore, now: () => number) {
  if (!destination.uri.startsWith('s3://')) return undefined;
  const keys = lanes.flatMap((lane) => lane.filter(mayBeListed).map(({ key }) => key));
  return new KnownAbsent(keys, { list: (prefix, after) => destination.list(prefix, after), now });
}

/**
 * How one item looks at its target. The first time, what is known to be absent is believed; a commit that then meets
 * somebody's object makes the item begin again with a look, as if it had come a moment later.
 */
export class TargetLook {
  readonly #absent: Pick<KnownAbsent, 'has'> | undefined;
  #state: 'may believe' | 'has believed' | 'looks' = 'looks';

  constructor(work: ItemWork, absent: Pick<KnownAbsent, 'has'> | undefined) {
    this.#absent = absent;
    if (absent && mayBeListed(work)) this.#state = 'may believe';
  }

  async head(destination: ObjectStore, key: string): Promise<StoredObject | undefined> {
    const isBelieved = this.#state === 'may believe' && (await this.#absent?.has(key)) === true;
    this.#state = isBelieved ? 'has believed' : 'looks';
    return isBelieved ? undefined : destination.head(key);
  }

  /** True once, where the last look was none. */
  takeBack(): boolean {
    const hasBelieved = this.#state === 'has believed';
    this.#state = 'looks';
    return hasBelieved;
  }
}
