import { performServerHandshake } from 'node:http2';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { CODE, data, FLAG, FRAME_BYTES, type Frame, frame, goAway, headers, TYPE, takeFrames } from './http2-frames.ts';
import type { RecordedRequest, Serve } from './origin.ts';
import { end, write } from './origin-http1.ts';
import { type Mark, play } from './origin-play.ts';
import { bodyOf, fieldsOf, type Script } from './origin-script.ts';

const PREFACE_BYTES = 24;
/** SETTINGS_INITIAL_WINDOW_SIZE */
const INITIAL_WINDOW = 4;
const DEFAULT_WINDOW = 65_535;

/**
 * HTTP/2 on a connection of the origin. Node reads the requests and does what a connection needs (SETTINGS, PING, header
 * compression); every byte of an answer is a frame made by hand and put between Node's, so that it can be wrong anywhere.
 */
export const serveHttp2: Serve = async (socket, connection, answer) => {
  const windows = new Windows();
  const node = new Duplex({
    read: () => socket.resume(),
    writev: (chunks, done) => {
      const bytes = Buffer.concat(chunks.map(({ chunk }) => Buffer.from(chunk)));
      void write(socket, bytes).then(() => done());
    },
    final: (done) => done(),
  });
  const session = performServerHandshake(node);
  session.on('error', () => socket.destroy());
  session.on('stream', (stream, fields) => {
    stream.on('error', () => {});
    const request = recorded(fields, connection);
    answer(request).then(
      (script) => send(socket, stream.id ?? 0, script, windows),
      () => socket.destroy(),
    );
  });

  let pending = Buffer.alloc(0);
  let skipped = 0;
  for await (const chunk of socket) {
    const bytes = Buffer.from(chunk);
    const preface = Math.min(bytes.length, PREFACE_BYTES - skipped);
    skipped += preface;
    if (preface > 0) node.push(bytes.subarray(0, preface));
    const { frames, rest } = takeFrames(Buffer.concat([pending, bytes.subarray(preface)]));
    pending = Buffer.from(rest);
    for (const one of frames) {
      windows.read(one);
      // Node knows nothing of the settings that a script sent, and takes their acknowledgement for an attack.
      if (windows.owedAcks > 0 && one.type === TYPE.settings && (one.flags & FLAG.ack) !== 0) windows.owedAcks -= 1;
      else node.push(frame(one.type, one.flags, one.stream, one.payload));
    }
  }
  windows.close();
  node.push(null);
  socket.end();
};

async function send(socket: Socket, stream: number, script: Script, windows: Windows): Promise<void> {
  const { http2 = {}, trailers } = script;
  const put = (frames: readonly Buffer[]) => {
    windows.owedAcks += frames.filter((bytes) => bytes[3] === TYPE.settings).length;
    return write(socket, Buffer.concat(frames));
  };
  if (script.raw !== undefined) throw new Error('a raw answer is HTTP/1.1');
  if (http2.before !== undefined) await put(http2.before(stream));
  if (http2.instead !== undefined) {
    await put(http2.instead(stream));
    if (script.cut !== undefined) end(socket, script.cut.by);
    return;
  }

  const { at } = http2;
  const marks: Mark[] = [];
  if (at !== undefined) {
    const act = async () => {
      await put(at.frames(stream));
      if (at.next === 'fin' || at.next === 'rst') end(socket, at.next);
      return at.next === 'go-on';
    };
    marks.push({ afterBytes: at.afterBytes, act });
  }
  const status = [':status', String(script.status ?? 200)] as const;
  const fields = fieldsOf(script).map(([name, value]) => [name.toLowerCase(), value] as const);
  const isComplete = await play(
    script,
    bodyOf(script.body),
    {
      begin: () => put([headers(stream, [status, ...fields])]),
      isGone: () => socket.destroyed || windows.isGone(stream),
      write: (bytes) => sendData(socket, stream, bytes, windows),
      cut: (by) => end(socket, by),
    },
    marks,
  );
  if (!isComplete) return;
  const last =
    trailers === undefined ? data(stream, '', FLAG.endStream) : headers(stream, linesOf(trailers), FLAG.endStream);
  await put(script.close === true ? [last, goAway(stream, CODE.none)] : [last]);
  if (script.close === true) end(socket, 'fin');
}

async function sendData(socket: Socket, stream: number, bytes: Uint8Array, windows: Windows): Promise<void> {
  for (let rest = bytes; rest.length > 0; ) {
    const step = await windows.take(stream, Math.min(rest.length, FRAME_BYTES));
    if (step === 0) return;
    await write(socket, data(stream, rest.subarray(0, step)));
    rest = rest.subarray(step);
  }
}

/** What the client lets us send (RFC 9113 5.2). */
class Windows {
  readonly #left = new Map<number, number>([[0, DEFAULT_WINDOW]]);
  readonly #gone = new Set<number>();
  owedAcks = 0;
  #initial = DEFAULT_WINDOW;
  #isClosed = false;
  #change = Promise.withResolvers<void>();

  isGone(stream: number): boolean {
    return this.#isClosed || this.#gone.has(stream);
  }

  read({ type, flags, stream, payload }: Frame): void {
    if (type === TYPE.rst) this.#gone.add(stream);
    if (type === TYPE.window) this.#add(stream, payload.readUInt32BE(0));
    if (type === TYPE.settings && (flags & FLAG.ack) === 0) {
      for (let at = 0; at < payload.length; at += 6) {
        if (payload.readUInt16BE(at) === INITIAL_WINDOW) this.#initial = payload.readUInt32BE(at + 2);
      }
    }
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** How many of so many bytes may go now; waits for one at least; 0 when the client is gone. */
  async take(stream: number, wanted: number): Promise<number> {
    for (;;) {
      if (this.isGone(stream)) return 0;
      const step = Math.min(wanted, this.#of(0), this.#of(stream));
      if (step > 0) {
        this.#add(stream, -step);
        this.#add(0, -step);
        return step;
      }
      await this.#change.promise;
    }
  }

  #of(stream: number): number {
    return this.#left.get(stream) ?? this.#initial;
  }

  #add(stream: number, bytes: number): void {
    this.#left.set(stream, this.#of(stream) + bytes);
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

function linesOf(text: string): [string, string][] {
  return text
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => [line.slice(0, line.indexOf(':')), line.replace(/^[^:]*:\s*/, '')]);
}

function recorded(fields: NodeJS.Dict<string | string[]>, connection: number): RecordedRequest {
  const pairs = Object.entries(fields).map(([name, value]) => [name, String(value)] as const);
  const own: Record<string, string> = Object.fromEntries(pairs.filter(([name]) => !name.startsWith(':')));
  const host = String(fields[':authority'] ?? '').replace(/:\d+$/, '');
  const raw = pairs.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return { method: String(fields[':method']), path: String(fields[':path']), host, headers: own, raw, connection };
}
