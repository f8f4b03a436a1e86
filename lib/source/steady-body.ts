import { type SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource, PinnedVersion, SourceClient, SourceRequest } from './source.ts';
import { SourceChanged } from './source-changed.ts';

export interface SteadyBodyOptions {
  readonly client: SourceClient;
  readonly request: Omit<SourceRequest, 'ifNoneMatch'>;
  /** None: the body is read in one go, and its failure is the reader's. */
  readonly version: PinnedVersion | undefined;
  /** First byte. */
  readonly from: number;
  /** Last byte, inclusive; none: to the end. */
  readonly to?: number | undefined;
  /** Asked after every failure that a later answer may mend. Resolves to true when it is time to ask again. */
  readonly mayResume: (error: SkyhaulError) => Promise<boolean>;
}

type Piece = Pick<OpenedSource, 'body' | 'close'>;

/**
 * The bytes of one version, each exactly once and in order, through as many connections as it takes. `first` is an answer
 * at hand that begins at `from`; without it the source is asked. Throws SourceChanged where another version stands, and
 * otherwise the last failure; closes whatever it opened, `first` included.
 */
export async function* steadyBody(
  first: Piece | undefined,
  options: SteadyBodyOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { version, to } = options;
  let end = to ?? (version?.bytes === undefined ? undefined : version.bytes - 1);
  let at = options.from;
  let piece = first;
  while (piece !== undefined || end === undefined || at <= end) {
    let failure: SkyhaulError | undefined;
    try {
      if (piece === undefined) {
        const next = await ask(options, at);
        if (next === undefined) return;
        piece = next.piece;
        end ??= next.end;
      }
      for await (const chunk of piece.body) {
        // The whole came where only its beginning is wanted.
        const wanted = end === undefined ? chunk : chunk.subarray(0, end + 1 - at);
        at += wanted.length;
        if (wanted.length > 0) yield wanted;
        if (end !== undefined && at > end) break;
      }
      if (version === undefined || end === undefined) return;
    } catch (error) {
      failure = toSkyhaulError(error);
    } finally {
      await piece?.close();
    }
    piece = undefined;
    if (failure === undefined) continue;
    if (version === undefined || failure instanceof SourceChanged || !failure.retryable) throw failure;
    if (!(await options.mayResume(failure))) throw failure;
  }
}

async function ask(
  options: SteadyBodyOptions,
  at: number,
): Promise<{ piece: Piece; end: number | undefined } | undefined> {
  const { client, request, version, to } = options;
  if (version === undefined) throw new Error('a body without a version is not asked for again');
  if (at === 0 && to === undefined) return { piece: await openAgain(options, version), end: version.bytes };
  const resumed = await client.resume({ ...request, version, from: at, ...(to !== undefined && { to }) });
  switch (resumed.kind) {
    case 'rest':
      return { piece: resumed.source, end: to ?? resumed.source.version.bytes - 1 };
    case 'complete':
      return undefined;
    case 'changed':
      throw new SourceChanged(resumed.why);
    case 'whole':
      throw new SourceChanged(
        resumed.why === 'no-ranges' ? 'the source serves no ranges' : 'the source is another version now',
        resumed.source,
        resumed.why === 'no-ranges',
      );
  }
}

/** From the first byte to the last one asks for no range, so that a source that serves none is not found out in vain. */
async function openAgain({ client, request }: SteadyBodyOptions, version: PinnedVersion): Promise<Piece> {
  const source = (await client.open(request)) as OpenedSource;
  if (isSame(source.version, version)) return source;
  throw new SourceChanged('the source is another version now', source);
}

function isSame(one: PinnedVersion | undefined, other: PinnedVersion): boolean {
  return (
    one !== undefined &&
    one.etag === other.etag &&
    one.modified === other.modified &&
    one.bytes === other.bytes &&
    one.window?.from === other.window?.from &&
    one.window?.totalBytes === other.window?.totalBytes &&
    one.contentEncoding === other.contentEncoding
  );
}
