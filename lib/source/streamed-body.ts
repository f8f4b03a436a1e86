import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type BodyStream, closeUnread, OutgoingBody } from './outgoing-body.ts';

/** Opens the body once for every time that it is sent. */
export type OpenBody = () => BodyStream | Promise<BodyStream>;

/**
 * The body of a request that is sent while it is being made, in bounded memory. One that is given as a function is opened
 * anew for every try and every redirect that keeps it; a stream is sent once, and what fails behind its first byte is not
 * tried again, since nobody has that byte any more.
 */
export class StreamedBody {
  readonly bytes: number | undefined;
  readonly #given: BodyStream | OpenBody;
  #newest: OutgoingBody | undefined;

  /** @param bytes its length, where it is known: it is sent along, and has to be true */
  constructor(given: BodyStream | OpenBody, bytes: number | undefined) {
    this.#given = given;
    this.bytes = bytes;
  }

  /** False for a stream that was begun. */
  get canBeSent(): boolean {
    return typeof this.#given === 'function' || this.#newest?.isBegun !== true;
  }

  /** For one request. Nothing is opened before its first byte is wanted. Throws BatchInvalid where that was before. */
  open(): OutgoingBody {
    if (!this.canBeSent) throw new SkyhaulError('BatchInvalid', `the \`body\` was sent already; ${CURE}`);
    const given = this.#given;
    const open = typeof given === 'function' ? given : () => given;
    this.#newest = new OutgoingBody({ open, bytes: this.bytes });
    return this.#newest;
  }

  /** Nobody wants it any more: closes what is open, also a stream that was never begun. Safe to call more than once. */
  close(): void {
    const isUntouched = this.#newest?.isBegun !== true;
    this.#newest?.end();
    if (isUntouched && typeof this.#given !== 'function') closeUnread(this.#given);
  }

  /** The same failure, and why it is not tried again, if that is because of the body. */
  explain(failure: SkyhaulError): SkyhaulError {
    if (this.canBeSent || !failure.retryable || failure.name === 'Interrupted') return failure;
    const message = `${failure.message}; not tried again, since its \`body\` was begun: ${CURE}`;
    return new SkyhaulError(failure.name, message, { ...failure.details, cause: failure });
  }
}

const CURE = 'give a function that opens it to have it sent again';
