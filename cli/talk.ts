import { ProgressScreen, type TerminalStream } from './progress-screen.ts';
import { applyEvent, type ProgressState, startProgress, takeSample } from './progress-state.ts';
import { renderProgress, renderTotals } from './progress-view.ts';
import type { ShownEvent } from './shown-event.ts';
import { plainText } from './terminal-text.ts';
import { countOf, formatClock } from './units.ts';

/**
 * What is said to people while a run goes on, on stderr: a live view on a terminal, a few plain lines elsewhere, nothing
 * when asked to be quiet. Events only count; drawing happens on a timer, so that a million tiny items cost no drawing.
 */
export interface TalkOptions {
  readonly stream: TerminalStream;
  readonly mode: 'live' | 'plain' | 'quiet';
  readonly now: () => number;
}

const FRAME_MS = 100;
const PLAIN_MS = 10_000;

export class Talk {
  readonly progress: ProgressState;
  readonly #options: TalkOptions;
  readonly #screen: ProgressScreen;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TalkOptions) {
    this.#options = options;
    this.#screen = new ProgressScreen(options.stream);
    this.progress = startProgress(options.now());
  }

  /** Begins to show progress. It ends with `stop`. */
  start(): void {
    if (this.#options.mode === 'quiet') return;
    const isLive = this.#options.mode === 'live';
    this.#timer = setInterval(() => (isLive ? this.#draw() : this.#tell()), isLive ? FRAME_MS : PLAIN_MS);
    this.#timer.unref();
  }

  event(event: ShownEvent): void {
    applyEvent(this.progress, event, this.#options.now());
    if (event.event === 'item.log') this.say([plainText(`line ${event.line}: ${event.message}`)]);
    if (this.#options.mode !== 'plain') return;
    if (event.event === 'run.planned') {
      const round = event.round > 0 ? `round ${event.round + 1}: ` : '';
      this.say([`${round}${countOf(event.items, 'item')} in ${countOf(event.shards, 'shard')}`]);
    }
    if (event.event === 'run.waiting') {
      const hosts = event.refusing?.map(({ host, error }) => `${plainText(host)}: ${error}`).join(', ');
      this.say([`waiting ${formatClock(event.seconds)} before the next attempts${hosts ? ` (${hosts})` : ''}`]);
    }
  }

  /** Lines that stay. */
  say(lines: readonly string[]): void {
    if (this.#options.mode !== 'quiet') this.#screen.print(lines);
  }

  /** Said even when asked to be quiet. */
  complain(lines: readonly string[]): void {
    this.#screen.print(lines);
  }

  /** Takes the live view away. Safe to call more than once. */
  stop(): void {
    clearInterval(this.#timer);
    this.#screen.clear();
  }

  #draw(): void {
    const now = this.#options.now();
    takeSample(this.progress, now);
    const { columns = 80, rows = 24 } = this.#options.stream;
    this.#screen.draw(renderProgress(this.progress, { columns, rows, now }));
  }

  #tell(): void {
    const now = this.#options.now();
    takeSample(this.progress, now);
    this.say([renderTotals(this.progress, now)]);
  }
}
