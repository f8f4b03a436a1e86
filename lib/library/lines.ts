import { isUtf8 } from 'node:buffer';
import { parseContract } from '../contract/parse.ts';
import { transformSpec } from '../contract/transform.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { makeDecode } from '../transform/decode.ts';
import { splitLineBatches } from '../transform/split-lines.ts';
import { type Effects, systemEffects } from './effects.ts';
import type { ItemInput, LinesOptions } from './options.ts';
import { stream } from './stream.ts';

const MAX_LINE_BYTES = 1024 * 1024;
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/**
 * The lines of a text, without their ends: CRLF, CR and LF, mixed ones too. Holds one line and one piece of the body at
 * most. Nothing is fetched before the first line is asked for; leaving the loop closes the source.
 *
 * @param source a URL or an item, which is opened as by `stream`; a `SourceStream`; or any bytes
 * @throws SkyhaulError `TransformFailed` for a line that is too long or no text, and what `stream` throws
 */
export async function* lines(
  source: ItemInput | AsyncIterable<Uint8Array>,
  options: LinesOptions = {},
  effects: Effects = systemEffects,
): AsyncGenerator<string, void, undefined> {
  const { charset, maxLineBytes = MAX_LINE_BYTES, ...rest } = options;
  // The transform of the same name knows what is allowed.
  parseContract(transformSpec, [{ name: 'lines', maxBytes: maxLineBytes }], 'options of lines');
  if (charset !== undefined) parseContract(transformSpec, [{ name: 'decode', charset }], 'options of lines');
  const bytes = isBytes(source) ? source : await stream(source, rest, effects);
  const text = charset === undefined ? bytes : makeDecode(charset).apply(bytes, { rowsIn: 0, rowsOut: 0 });
  let number = 0;
  for await (const batch of splitLineBatches(text, { maxBytes: maxLineBytes })) {
    for (const line of batch) {
      number += 1;
      yield textOf(line, number);
    }
  }
}

/**
 * The values of JSON Lines; blank lines are passed over.
 *
 * @throws SkyhaulError `TransformFailed` with the number of a line that is no JSON, and what `lines` throws
 */
export async function* jsonLines(
  source: ItemInput | AsyncIterable<Uint8Array>,
  options: LinesOptions = {},
  effects: Effects = systemEffects,
): AsyncGenerator<unknown, void, undefined> {
  let number = 0;
  for await (const line of lines(source, options, effects)) {
    number += 1;
    if (line.trim() !== '') yield parse(line, number);
  }
}

function isBytes(source: ItemInput | AsyncIterable<Uint8Array>): source is AsyncIterable<Uint8Array> {
  return typeof source === 'object' && source !== null && Symbol.asyncIterator in source;
}

/** Byte by byte what the text says: no replacement characters for what is no UTF-8. */
function textOf(line: Uint8Array, number: number): string {
  if (!isUtf8(line)) throw new SkyhaulError('TransformFailed', `lines: line ${number} is no UTF-8; give its charset`);
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  const isMarked = number === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK);
  return bytes.toString('utf8', isMarked ? 3 : 0);
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new SkyhaulError('TransformFailed', `jsonLines: line ${number} is no JSON`, { cause });
  }
}
