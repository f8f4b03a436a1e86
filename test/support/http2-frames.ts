/** HTTP/2 frames by hand (RFC 9113 4.1 and 6), so that they can be wrong. */

/** Frames for a stream; what concerns the connection ignores it. */
export type Frames = (stream: number) => readonly Buffer[];

export const TYPE = {
  data: 0,
  headers: 1,
  rst: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  continuation: 9,
} as const;
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const;
/** What a frame may hold unless more was agreed (RFC 9113 6.5.2). */
export const FRAME_BYTES = 16_384;
/** Error codes (RFC 9113 7). */
export const CODE = { none: 0, protocol: 1, internal: 2, refused: 7, cancel: 8, calm: 11, http11: 13 } as const;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function data(stream: number, bytes: Uint8Array | string, flags = 0): Buffer {
  return frame(TYPE.data, flags, stream, Buffer.from(bytes));
}

/** Header fields as literals without indexing (RFC 7541 6.2.2): no table, no Huffman, any byte. */
export function headers(stream: number, fields: readonly (readonly [string, string])[], flags = 0): Buffer {
  const block = Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
  const pieces = [block.subarray(0, FRAME_BYTES)];
  for (let at = FRAME_BYTES; at < block.length; at += FRAME_BYTES) pieces.push(block.subarray(at, at + FRAME_BYTES));
  const frames = pieces.map((piece, index) => {
    const last = index === pieces.length - 1 ? FLAG.endHeaders : 0;
    return index === 0
      ? frame(TYPE.headers, flags | last, stream, piece)
      : frame(TYPE.continuation, last, stream, piece);
  });
  return Buffer.concat(frames);
}

export function rstStream(stream: number, code: number): Buffer {
  return frame(TYPE.rst, 0, stream, uint32(code));
}

/** @param last the last stream that the server has taken up */
export function goAway(last: number, code: number = CODE.none): Buffer {
  return frame(TYPE.goAway, 0, 0, Buffer.concat([uint32(last), uint32(code)]));
}

export function settings(id: number, value: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(id, 0);
  payload.writeUInt32BE(value, 2);
  return frame(TYPE.settings, 0, 0, payload);
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Takes whole frames off the front of what has arrived. */
export function takeFrames(pending: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let rest = pending;
  while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
    const end = 9 + rest.readUIntBE(0, 3);
    const stream = rest.readUInt32BE(5) & 0x7fffffff;
    frames.push({ type: rest.readUInt8(3), flags: rest.readUInt8(4), stream, payload: rest.subarray(9, end) });
    rest = rest.subarray(end);
  }
  return { frames, rest };
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([integer(bytes.length, 7), bytes]);
}

/** RFC 7541 5.1, first byte otherwise zero. */
function integer(value: number, prefixBits: number): Buffer {
  const limit = 2 ** prefixBits - 1;
  if (value < limit) return Buffer.from([value]);
  const bytes = [limit];
  let rest = value - limit;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
