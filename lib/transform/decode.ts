/**
 * Text of a charset into UTF-8, without its byte order mark. Bytes that are no text of the charset fail, and so does a
 * character that is cut off at the end: nothing becomes U+FFFD silently. Charsets as in the WHATWG Encoding Standard.
 */
import { TextDecoder } from 'node:util';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { TransformStep } from './transform.ts';

/** @throws SkyhaulError `BatchInvalid` for a charset that this Node does not know */
export function makeDecode(charset: string): TransformStep {
  openDecoder(charset);
  return { name: 'decode', apply: (input) => decode(input, charset) };
}

async function* decode(input: AsyncIterable<Uint8Array>, charset: string): AsyncGenerator<Uint8Array> {
  const text = new Decoder(charset);
  for await (const chunk of input) {
    const out = text.push(chunk);
    if (out.length > 0) yield out;
  }
  const out = text.end();
  if (out.length > 0) yield out;
}

class Decoder {
  readonly #charset: string;
  #decoder: TextDecoder | undefined;
  /** Of `utf-16`, where the first two bytes say which. */
  #head = Buffer.alloc(0);
  #bytes = 0;

  constructor(charset: string) {
    this.#charset = charset;
    if (!isUtf16(charset)) this.#decoder = openDecoder(charset);
  }

  push(chunk: Uint8Array): Buffer {
    if (this.#decoder !== undefined) return this.#decode(this.#decoder, chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    return this.#head.length < 2 ? Buffer.alloc(0) : this.#begin();
  }

  end(): Buffer {
    const begun = this.#decoder === undefined ? this.#begin() : Buffer.alloc(0);
    return this.#decoder === undefined ? begun : Buffer.concat([begun, this.#decode(this.#decoder)]);
  }

  /** RFC 2781 4.3; without a mark it is little endian, as everywhere on the web. */
  #begin(): Buffer {
    const isBigEndian = this.#head[0] === 0xfe && this.#head[1] === 0xff;
    this.#decoder = openDecoder(isBigEndian ? 'utf-16be' : 'utf-16le');
    return this.#decode(this.#decoder, this.#head);
  }

  #decode(decoder: TextDecoder, chunk?: Uint8Array): Buffer {
    try {
      const text = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
      this.#bytes += chunk?.length ?? 0;
      return Buffer.from(text);
    } catch (cause) {
      const where = chunk === undefined ? 'at the end' : `in the ${chunk.length} bytes from byte ${this.#bytes} on`;
      throw new SkyhaulError('TransformFailed', `decode: the input is no ${this.#charset}: ${where}.`, { cause });
    }
  }
}

/** The label that means either; `utf-16le` and `utf-16be` are what they say. */
function isUtf16(charset: string): boolean {
  return charset.trim().toLowerCase() === 'utf-16';
}

function openDecoder(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch (cause) {
    throw new SkyhaulError('BatchInvalid', `decode: the charset ${JSON.stringify(charset)} is not known.`, { cause });
  }
}
