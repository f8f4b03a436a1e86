import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { listen, type Runs } from './runs.ts';

const PIECE_BYTES = 256 * 1024;

export interface LargeFileOptions {
  /** Of each answer. @default as fast as it goes */
  readonly bytesPerSecond?: number;
  /** Answers in place of the file, where it returns true. Counted from 1. */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse, number: number) => boolean;
}

/** One file on a server of its own that serves ranges of it, and counts what it was asked for. */
export class LargeFile {
  readonly body: Buffer;
  /** First byte of every answer. */
  readonly beginnings: number[] = [];
  sentBytes = 0;
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #options: LargeFileOptions;
  #server: Server | undefined;
  #url = '';

  static async serve(body: Buffer, options: LargeFileOptions = {}): Promise<LargeFile> {
    const file = new LargeFile(body, options);
    const { server, url } = await listen((request, response) => file.#answer(request, response));
    file.#server = server;
    file.#url = url;
    return file;
  }

  private constructor(body: Buffer, options: LargeFileOptions) {
    this.body = body;
    this.#options = options;
  }

  get item() {
    return this.itemAs('file');
  }

  itemAs(key: string) {
    return { url: `${this.#url}/${key}`, key };
  }

  async isStored(runs: Runs, run: string): Promise<boolean> {
    return this.body.equals(await runs.bytes(`data/${run}/`, 'file'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.close().closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const from = Number(first ?? 0);
    this.beginnings.push(from);
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    response.once('close', () => {
      this.#atOnce -= 1;
    });
    if (this.#options.onRequest?.(request, response, this.beginnings.length)) return;
    const total = this.body.length;
    const to = last ? Math.min(Number(last), total - 1) : total - 1;
    const range = first === undefined ? {} : { 'Content-Range': `bytes ${from}-${to}/${total}` };
    response.writeHead(first === undefined ? 200 : 206, { ETag: '"v1"', 'Content-Length': to + 1 - from, ...range });
    void this.#send(response, this.body.subarray(from, to + 1));
  }

  async #send(response: ServerResponse, bytes: Buffer): Promise<void> {
    const { bytesPerSecond } = this.#options;
    const pauseMs = bytesPerSecond === undefined ? 0 : (PIECE_BYTES / bytesPerSecond) * 1_000;
    for (let at = 0; at < bytes.length && !response.destroyed; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      this.sentBytes += piece.length;
      await Promise.all([
        new Promise<void>((resolve) => {
          response.once('close', resolve);
          response.write(piece, () => {
            response.off('close', resolve);
            resolve();
          });
        }),
        pauseMs > 0 && new Promise((resolve) => setTimeout(resolve, pauseMs)),
      ]);
    }
    response.end();
  }
}
