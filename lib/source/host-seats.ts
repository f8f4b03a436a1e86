/**
 * Connections of several clients to one host, together no more than it may have: whoever comes when all seats are taken
 * waits until somebody's response is over, and whoever only keeps a connection for later gives it up at once. Plan keeps
 * to the limits by itself; this is for hosts that it cannot foresee, behind redirects.
 */
export interface Guest {
  /** Closes the connections to the host; resolves when they are closed. */
  leave(host: string): Promise<void>;
}

interface Table {
  readonly guests: Map<Guest, 'at-work' | 'at-rest' | 'leaving'>;
  readonly waiting: (() => void)[];
}

export class HostSeats {
  readonly #limitOf: (host: string) => number;
  readonly #tables = new Map<string, Table>();

  constructor(limitOf: (host: string) => number) {
    this.#limitOf = limitOf;
  }

  /** Resolves with a seat, which a guest keeps until it leaves; without one when the signal ends the wait. */
  async take(host: string, guest: Guest, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const table = this.#tableOf(host);
      const mine = table.guests.get(guest);
      if (mine !== 'leaving' && (mine !== undefined || table.guests.size < this.#limitOf(host))) {
        table.guests.set(guest, 'at-work');
        return;
      }
      const turn = nextTurn(table, signal);
      if (mine !== 'leaving') void this.#dismissOne(host, table);
      await turn;
    }
  }

  /** The response is over: others who wait come first. */
  async rest(host: string, guest: Guest): Promise<void> {
    const table = this.#tables.get(host);
    if (table?.guests.get(guest) !== 'at-work') return;
    table.guests.set(guest, 'at-rest');
    if (table.waiting.length > 0) await this.#dismissOne(host, table);
  }

  /** All connections of the guest are closed. */
  left(guest: Guest): void {
    for (const [host, table] of this.#tables) if (table.guests.delete(guest)) this.#callNext(host, table);
  }

  async #dismissOne(host: string, table: Table): Promise<void> {
    for (const [guest, state] of table.guests) {
      if (state !== 'at-rest') continue;
      table.guests.set(guest, 'leaving');
      await guest.leave(host);
      // Unless it was closed meanwhile, and all of its seats were given up then.
      if (table.guests.delete(guest)) this.#callNext(host, table);
      return;
    }
  }

  /** All of them, in the order in which they came: whoever finds no seat waits again. */
  #callNext(host: string, table: Table): void {
    for (const wake of table.waiting.splice(0)) wake();
    if (table.guests.size === 0 && this.#tables.get(host) === table) this.#tables.delete(host);
  }

  #tableOf(host: string): Table {
    const known = this.#tables.get(host);
    if (known !== undefined) return known;
    const table: Table = { guests: new Map(), waiting: [] };
    this.#tables.set(host, table);
    return table;
  }
}

/** Resolves when a seat may be free. */
function nextTurn({ waiting }: Table, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => {
    signal.removeEventListener('abort', wake);
    resolve();
  };
  signal.addEventListener('abort', wake, { once: true });
  waiting.push(wake);
  return promise;
}
