import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';

type Pieces = AsyncIterator<Uint8Array<ArrayBuffer>>;
type Close = () => Promise<void>;

/**
 * Pieces as a web stream of bytes, with or without buffers of the reader's own (BYOB). Asks for a piece only when its
 * reader does. Every piece has memory of its own, which goes over to the reader.
 */
export function webStream(pieces: Pieces, close: Close): ReadableStream<Uint8Array<ArrayBuffer>> {
  let rest = new Uint8Array();
  const stream = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      if (rest.length === 0) {
        const next = await pieces.next();
        if (next.done) {
          controller.close();
          controller.byobRequest?.respond(0);
          return;
        }
        rest = next.value;
      }
      const request = controller.byobRequest;
      const view = request?.view;
      if (!request || !view) {
        controller.enqueue(rest);
        rest = new Uint8Array();
        return;
      }
      const part = rest.subarray(0, view.byteLength);
      new Uint8Array(view.buffer, view.byteOffset, part.length).set(part);
      rest = rest.subarray(part.length);
      request.respond(part.length);
    },
    cancel: close,
  });
  // What is enqueued is never of shared memory, which the type of a byte stream allows.
  return stream as ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** The same for Node's streams. Destroying it closes the source at once, also while it waits for bytes. */
export function nodeStream(pieces: Pieces, close: Close): Readable {
  const stream = new Readable({
    read() {
      pieces.next().then(
        ({ done, value }) => stream.push(done === true ? null : value),
        (error: Error) => stream.destroy(error),
      );
    },
    destroy(error, callback) {
      close().then(() => callback(error), callback);
    },
  });
  return stream;
}
