/** What a worker writes into the ledger, and when it stands there. */
import type { LedgerRow } from '../../lib/contract/ledger-row.ts';
import { isOfUpload, type Protocol, UNTOUCHED } from './protocol.ts';
import { folded, mayAnyBegin, type Worker, type World, withWorker } from './world.ts';

/**
 * Rows about uploads are read by those who begin. When all have begun, nobody will: worlds that differ in nothing else are
 * the same.
 */
function withoutUploadRows({ lefts, isUploadRow }: Protocol, world: World): World {
  const kept = (ids: readonly number[]) => ids.filter((id) => !isUploadRow(id));
  const { left } = world.run;
  return {
    ...world,
    workers: world.workers.map((worker) => ({ ...worker, rows: kept(worker.rows), flushed: kept(worker.flushed) })),
    run: { ...world.run, left: left === -1 ? left : lefts.id(UNTOUCHED) },
  };
}

/** One worker and what it writes down, in a world that changes with every call. */
export class Records {
  readonly protocol: Protocol;
  readonly index: number;
  world: World;

  constructor(protocol: Protocol, world: World, index: number) {
    this.protocol = protocol;
    this.world = world;
    this.index = index;
  }

  get worker(): Worker {
    const worker = this.world.workers[this.index];
    if (!worker) throw new Error(`there is no worker ${this.index}`);
    return worker;
  }

  become(change: Partial<Worker>): World {
    this.world = withWorker(this.world, this.index, change);
    return this.world;
  }

  isUploadRowRead(): boolean {
    return mayAnyBegin(this.world) || !this.protocol.scenario.isReduced;
  }

  forgetUploadRows(): void {
    if (!this.isUploadRowRead()) this.world = withoutUploadRows(this.protocol, this.world);
  }

  /** Only what somebody may read yet. */
  record(row: LedgerRow): void {
    if (folded(this.world, this.worker.round) || (isOfUpload(row) && !this.isUploadRowRead())) return;
    this.become({ rows: [...this.worker.rows, this.protocol.rows.id(row)] });
  }

  flush(): void {
    const { rows, flushed } = this.worker;
    this.become({ rows: [], flushed: [...flushed, ...rows] });
  }
}
