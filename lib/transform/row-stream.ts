/**
 * The common ground of the steps that keep or drop rows: a window over the input that always begins with a whole row or
 * the beginning of one, and the bytes of what is kept. Both are reused, so nothing is allocated per row, and memory is
 * bounded by the longest row that the reader lets pass.
 */
export interface RowReader {
  /**
   * Deals with the whole rows in the window; what it keeps goes to the output.
   *
   * @param bytes only good during this call
   * @param isEnd no more bytes will come
   * @returns where the first row begins that is not complete
   */
  read(bytes: Buffer, output: RowOutput, isEnd: boolean): number;
}

/** Fits the caches; a larger chunk is read in several windows. */
const WINDOW = 256 * 1024;
/** Less than this is not worth a step of everybody who reads. */
const WORTH_YIELDING = 64 * 1024;
/** Most items are small; the buffers grow with what they hold. */
const FIRST_BYTES = 16 * 1024;

export async function* readRows(input: AsyncIterable<Uint8Array>, reader: RowReader): AsyncGenerator<Uint8Array> {
  const window = new Window();
  const output = new RowOutput();
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; at += WINDOW) {
      window.append(chunk.subarray(at, at + WINDOW));
      window.drop(reader.read(window.bytes, output, false));
      if (output.length >= WORTH_YIELDING) yield output.take();
    }
  }
  reader.read(window.bytes, output, true);
  if (output.length > 0) yield output.take();
}

class Window {
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  append(chunk: Uint8Array): void {
    this.#buffer = grown(this.#buffer, this.#length, chunk.length);
    this.#buffer.set(chunk, this.#length);
    this.#length += chunk.length;
  }

  /** A row that is longer than many chunks is not moved again for each of them. */
  drop(bytes: number): void {
    if (bytes === 0) return;
    this.#buffer.copyWithin(0, bytes, this.#length);
    this.#length -= bytes;
  }
}

/** Copying by a call costs more than the bytes of a short field. */
const SHORT = 24;

export class RowOutput {
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  copy(bytes: Buffer, from: number, to: number): void {
    const count = to - from;
    this.#buffer = grown(this.#buffer, this.#length, count);
    if (count > SHORT) {
      bytes.copy(this.#buffer, this.#length, from, to);
    } else {
      for (let at = 0; at < count; at += 1) this.#buffer[this.#length + at] = bytes[from + at] ?? 0;
    }
    this.#length += count;
  }

  byte(value: number): void {
    this.#buffer = grown(this.#buffer, this.#length, 1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  /** Good until the next row is written. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }
}

function grown(buffer: Buffer, length: number, more: number): Buffer {
  if (length + more <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, length + more));
  buffer.copy(larger, 0, 0, length);
  return larger;
}
