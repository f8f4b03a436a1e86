/**
 * When hosts may be asked next that want some time between two requests (Crawl-delay): one queue for each host, for all who
 * share this object. Where several workers ask the same host, none of whom knows of the others, its turns are shared out
 * by the clock: of its instants j·delay since the epoch, worker k of N owns every N-th. So any two requests are the delay
 * apart, wherever they come from.
 */
export interface TurnShare {
  /** From 0. */
  readonly number: number;
  /** 1: nobody else asks this host. */
  readonly of: number;
}

export interface Turn {
  readonly host: string;
  readonly delayMs: number;
  readonly share: TurnShare;
  /** Nobody has asked this host for this run before; else whoever comes first here waits, too. */
  readonly isFresh: boolean;
}

const MAX_HOSTS = 10_000;

export class CrawlTurns {
  /** Epoch milliseconds, those who were asked last at the end. */
  readonly #freeAt = new Map<string, number>();

  /** Takes the next turn: epoch milliseconds, not before `nowMs`. */
  take({ host, delayMs: wantedMs, share, isFresh }: Turn, nowMs: number): number {
    const delayMs = Math.ceil(wantedMs);
    const freeAt = this.#freeAt.get(host) ?? (isFresh ? nowMs : nowMs + delayMs);
    const startAt = ownInstant(Math.max(nowMs, freeAt), delayMs, share);
    this.#freeAt.delete(host);
    this.#freeAt.set(host, startAt + delayMs);
    for (const [oldest] of this.#freeAt) {
      if (this.#freeAt.size <= MAX_HOSTS) break;
      this.#freeAt.delete(oldest);
    }
    return startAt;
  }
}

function ownInstant(fromMs: number, delayMs: number, { number, of }: TurnShare): number {
  if (of === 1) return fromMs;
  const every = delayMs * of;
  const first = delayMs * number;
  return Math.ceil((fromMs - first) / every) * every + first;
}
