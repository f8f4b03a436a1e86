import { columnsOf } from './terminal-text.ts';

/** The part of a terminal stream that the screen needs. */
export interface TerminalStream {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_TO_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * A block of lines at the bottom of a terminal, drawn over itself. Each frame is one write, so nothing flickers; a
 * frame equal to the last one writes nothing. `close` takes the block away and gives the cursor back.
 */
export class ProgressScreen {
  readonly #stream: TerminalStream;
  #drawn: readonly string[] = [];
  #drawnColumns = 0;

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  draw(lines: readonly string[]): void {
    const columns = this.#stream.columns ?? 80;
    const isSame = lines.length === this.#drawn.length && lines.every((line, index) => line === this.#drawn[index]);
    if (isSame && columns === this.#drawnColumns) return;
    const body = lines.map((line) => `${line}${CLEAR_TO_LINE_END}\n`).join('');
    this.#stream.write(`${HIDE_CURSOR}${this.#home(columns)}${body}${CLEAR_BELOW}`);
    this.#drawn = lines;
    this.#drawnColumns = columns;
  }

  /** Lines that stay, above the block. */
  print(lines: readonly string[]): void {
    const block = this.#drawn;
    this.clear();
    this.#stream.write(lines.map((line) => `${line}\n`).join(''));
    if (block.length > 0) this.draw(block);
  }

  clear(): void {
    if (this.#drawn.length === 0) return;
    this.#stream.write(`${this.#home(this.#stream.columns ?? 80)}${CLEAR_BELOW}${SHOW_CURSOR}`);
    this.#drawn = [];
  }

  /** To the first column of the block's first row. A terminal that became narrower has wrapped the old lines. */
  #home(columns: number): string {
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(columnsOf(line) / columns)), 0);
    return rows === 0 ? '' : `\x1b[${rows}A\r`;
  }
}
