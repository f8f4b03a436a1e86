/**
 * Where a process is struck: before or after its n-th operation on a store or on the file system, or at its n-th byte
 * from the source. Counts all three, whether it is struck or not.
 */
export type Level = 'store' | 'files' | 'bytes';

export interface Trip {
  readonly level: Level;
  /** From 1. */
  readonly at: number;
  /** Of bytes there is no `before`. */
  readonly when: 'before' | 'after';
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

export class Tripwire {
  #counts: Record<Level, number> = { store: 0, files: 0, bytes: 0 };
  #trip: Trip | undefined;

  get counts(): Readonly<Record<Level, number>> {
    return this.#counts;
  }

  /** Counts from here on. */
  arm(trip: Trip | undefined): void {
    this.#trip = trip;
    this.#counts = { store: 0, files: 0, bytes: 0 };
  }

  /** One operation. What it throws is thrown behind the strike. */
  async around<T>(level: Level, operation: () => Promise<T>): Promise<T> {
    const number = this.pass(level, 'before');
    try {
      return await operation();
    } finally {
      this.#strike(level, number, 'after');
    }
  }

  pass(level: Level, when: Trip['when'], amount = 1): number {
    this.#counts[level] += amount;
    this.#strike(level, this.#counts[level], when);
    return this.#counts[level];
  }

  #strike(level: Level, number: number, when: Trip['when']): void {
    const trip = this.#trip;
    if (trip?.level !== level || trip.when !== when) return;
    if (level === 'bytes' ? number < trip.at : number !== trip.at) return;
    this.#trip = undefined;
    // A signal to oneself is delivered before the call returns.
    process.kill(process.pid, trip.signal);
  }
}
