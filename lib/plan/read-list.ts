import type { BatchInput } from '../contract/batch-input.ts';
import { limitItem } from '../contract/deployed-limits.ts';
import { checkInlineItem } from '../contract/inline-secrets.ts';
import type { OutcomeRow } from '../contract/ledger-row.ts';
import { MAX_KEY_BYTES } from '../contract/limits.ts';
import { DEFAULT_KEY_TEMPLATE } from '../contract/options.ts';
import { type Problem, problem } from '../contract/problem.ts';
import { usesModule } from '../contract/transform.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import { encodeLine, putText } from '../ledger/json-lines.ts';
import { OutcomeChunks } from '../ledger/outcome-chunks.ts';
import { chunkOf, runKeys } from '../ledger/run-keys.ts';
import { KeyIndex } from '../manifest/key-index.ts';
import { readKeyTemplate } from '../manifest/key-template.ts';
import {
  type InvalidLine,
  type ListedItem,
  type ManifestLine,
  readInlineItems,
  readManifest,
} from '../manifest/read-manifest.ts';
import { RequestIndex } from '../manifest/request-index.ts';
import type { RunContext } from '../run-context.ts';
import { ignoresCase } from '../store/ignores-case.ts';
import { checkLocalKey } from '../store/key-rules.ts';
import { parseS3Uri } from '../store/s3-uri.ts';
import { itemJudge } from './check-input.ts';
import { isCopyable } from './copies.ts';
import { mostItems, tooManyItems } from './fit-run.ts';
import type { RunInput } from './run-input.ts';
import { type Left, makeLeft, type Status, writeStatus } from './status.ts';

/** Problems that go with the error; all of them stand in `invalid.jsonl`. */
const MAX_PROBLEMS = 1_000;

/**
 * The list becomes the first status of the run: every line checked, every key known to be its own, items in chunks. Throws
 * ManifestInvalid with all bad lines, before anything is fetched, unless they may be skipped. Lines behind `limit` are
 * checked as well, so that none of them meets an object of the trial later; but a bad one keeps nobody from trying the
 * first ones. They cost no row: what has no outcome behind the limit is one that was not tried. `writesDown`: bad lines
 * stand in `invalid.jsonl`, too, for whoever finds the state of the run afterwards.
 */
export async function readList(
  context: RunContext,
  run: string,
  { input, startedAt }: Pick<RunInput, 'input' | 'startedAt'>,
  writesDown = true,
) {
  const { state } = context;
  const { etag, lines } = await openList(context, input, startedAt);
  await emptyLeftovers(context, run);
  const directories = !input.to.startsWith('s3://');
  const keys = new KeyIndex({ directories, ignoresCase: directories && ignoresCase(input.to) });
  const requests = new RequestIndex();
  const items = new ItemChunks(context, run);
  const outcomes = new OutcomeChunks(state, run, 0);
  const invalid: InvalidLine[] = [];
  const left: Left[] = [];
  const hosts = new Map<string, string>();
  const most = mostItems(context.memoryBytes, context.inProcess);
  let count = 0;
  let failed = 0;
  let untried = 0;
  let invalidInAll = 0;
  let needsModule = false;

  for await (const read of lines) {
    count += 1;
    if (count > most) throw new SkyhaulError('BatchInvalid', tooManyItems(most, context.memoryBytes));
    const line = 'item' in read ? claimed(read, keys, context.inProcess || input.manifest !== undefined) : read;
    const isTried = read.index < (input.options.limit ?? Number.POSITIVE_INFINITY);
    if ('problems' in line) {
      invalidInAll += 1;
      if (isTried) failed += 1;
      else untried += 1;
      if (input.options.skipInvalid || !isTried) await outcomes.add(failedRow(line));
      else invalid.push(line);
      continue;
    }
    const item = limitItem(line.item.item, context.limits ?? {});
    needsModule ||= isTried && usesModule(item.transform ?? input.options.transform);
    await items.add({ ...line.item, item });
    if (line.duplicateOf === undefined && !isTried) untried += 1;
    else if (line.duplicateOf === undefined) {
      const first = isCopyable(line.item, input.options)
        ? requests.firstOf(line.item.index, line.item.item)
        : undefined;
      left.push(leftOf(line.item, hosts, first));
    } else await outcomes.add(duplicateRow(line.item, line.duplicateOf));
  }
  keys.release();
  requests.release();
  if (invalid.length > 0) throw await refuse(context, run, { invalid, count, writesDown });
  requireRoom(left, input.options.maxTotalBytes);
  await items.flush();
  await outcomes.flush();
  const status: Status = {
    round: 0,
    items: count,
    left: left.length,
    failed,
    skipped: count - left.length - failed - untried,
    ...(untried > 0 && { untried }),
    bytes: 0,
    spent: { put: 0, get: 0, gigabyteSeconds: 0, invocations: 0 },
    idleRounds: 0,
    historyEvents: 0,
    busyUntil: 0,
    manifestEtag: etag,
    ...(needsModule && { usesModule: true }),
  };
  await writeStatus(state, run, status, left);
  return { status, left, invalid: invalidInAll };
}

/** A reading that was broken off may have left chunks that a corrected list does not overwrite. */
async function emptyLeftovers({ state }: RunContext, run: string): Promise<void> {
  for await (const { key, bytes } of state.list(runKeys(run).statusPrefix)) {
    // Emptied, not deleted: no role may delete.
    if (bytes > 0) await putText(state, key, '', { condition: { kind: 'any' }, sealed: true });
  }
}

/** What the list itself says to be too much is not begun. */
function requireRoom(left: readonly Left[], maxTotalBytes: number | undefined): void {
  if (maxTotalBytes === undefined) return;
  const declared = left.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
  if (declared <= maxTotalBytes) return;
  const text = `the sizes that the list declares sum up to ${declared} bytes, maxTotalBytes is ${maxTotalBytes}`;
  throw new SkyhaulError('ManifestInvalid', `${text}; nothing was fetched`);
}

async function openList(context: RunContext, { items, manifest, options, to }: BatchInput, startedAt: number) {
  const limits = {
    maxItems: options.maxItems,
    maxKeyBytes: MAX_KEY_BYTES - prefixBytes(to),
    template: options.key === DEFAULT_KEY_TEMPLATE ? undefined : readKeyTemplate(options.key, startedAt),
    judgeItem: itemJudge(context, options),
  };
  if (items) return { etag: '', lines: readInlineItems(items, limits) };
  if (!manifest) throw new SkyhaulError('BatchInvalid', 'give `items` or `manifest`');
  const { name, etag, bytes } = await context.openManifest(manifest.uri);
  return { etag, lines: readManifest(bytes, { ...manifest, name }, limits) as AsyncIterable<ManifestLine> };
}

/** What `to` takes of the 1,024 bytes of a key; a directory takes none. */
function prefixBytes(to: string): number {
  return to.startsWith('s3://') ? Buffer.byteLength(parseS3Uri(to).prefix) : 0;
}

function claimed(listed: ListedItem, keys: KeyIndex, maySealSecrets: boolean) {
  const { index, line, item, nameAt } = listed;
  const secrets = maySealSecrets ? [] : checkInlineItem(item);
  if (secrets.length > 0) return invalidLine(listed, secrets);
  const unfit = nameAt === undefined && keys.ofDirectory ? localProblem(listed.key) : undefined;
  if (unfit) return invalidLine(listed, [unfit]);
  const claim = nameAt === undefined ? keys.claim(line, listed.key, item) : keys.claimUnnamed(line, listed.key, item);
  if (claim.kind === 'conflict') return invalidLine(listed, [claim.problem]);
  return {
    item: { index, line, key: listed.key, ...(nameAt !== undefined && { nameAt }), item },
    duplicateOf: claim.kind === 'duplicate' ? claim.of : undefined,
  };
}

/** What a directory does not take and S3 does. Names that come from sources are cleaned. */
function localProblem(key: string): Problem | undefined {
  try {
    checkLocalKey(key);
    return undefined;
  } catch (error) {
    return problem('key', 'a key that a directory takes', toSkyhaulError(error).message, 'KeyRefused');
  }
}

function invalidLine({ index, line, item }: ListedItem, problems: readonly Problem[]): InvalidLine {
  return { index, line, problems, url: redactUrl(item.url), ...(item.id !== undefined && { id: item.id }) };
}

interface Refused {
  readonly invalid: readonly InvalidLine[];
  readonly count: number;
  readonly writesDown: boolean;
}

async function refuse({ state }: RunContext, run: string, { invalid, count, writesDown }: Refused) {
  const key = runKeys(run).invalid;
  const lines = invalid.map(({ line, problems }) => ({ line, problems: problems.map(({ text }) => text) }));
  if (writesDown) {
    await putText(state, key, lines.map(encodeLine).join(''), { condition: { kind: 'any' }, sealed: true });
  }
  const texts = lines.flatMap(({ line, problems }) => problems.map((text) => `line ${line}: ${text}`));
  const where = writesDown ? `. All of them: ${state.uriOf(key)}` : '';
  const message = `${invalid.length} of ${count} lines are not valid; nothing was fetched${where}`;
  return new SkyhaulError('ManifestInvalid', message, { problems: texts.slice(0, MAX_PROBLEMS) });
}

function failedRow({ index, line, id, url, problems }: InvalidLine): OutcomeRow {
  return {
    row: 'outcome',
    index,
    line,
    ...(id !== undefined && { id }),
    url: url ?? '',
    outcome: 'failed',
    error: problems.find(({ error }) => error !== undefined)?.error ?? 'ManifestInvalid',
    message: problems.map(({ text }) => text).join('; '),
    attempts: 0,
  };
}

function duplicateRow({ index, line, key, item }: ItemOfList, of: number): OutcomeRow {
  const message = `the same as line ${of}`;
  return {
    row: 'outcome',
    index,
    line,
    url: redactUrl(item.url),
    key,
    outcome: 'skipped',
    reason: 'duplicate',
    message,
    attempts: 0,
  };
}

type ItemOfList = Omit<ListedItem, 'kind'>;

function leftOf({ index, line, item }: ItemOfList, hosts: Map<string, string>, waitsFor: number | undefined): Left {
  const host = once(hosts, hostOf(item.url));
  const untouched = { index, line, host, attempts: 0, notBefore: 0, crashes: 0 };
  return makeLeft(untouched, item.size, waitsFor === undefined ? undefined : { waitsFor });
}

/** Of a URL as `checkUrl` leaves it: normalised, with a path and without user info. */
function hostOf(url: string): string {
  const from = url.indexOf('//') + 2;
  return url.slice(from, url.indexOf('/', from));
}

/** The same string for the same host, of its own: a piece of a URL would keep the whole of it in memory. */
function once(hosts: Map<string, string>, host: string): string {
  const known = hosts.get(host);
  if (known !== undefined) return known;
  const own = Buffer.from(host).toString();
  hosts.set(own, own);
  return own;
}

/** The valid lines, kept by chunks of the list: sealed, since they hold whole URLs. */
class ItemChunks {
  readonly #context: RunContext;
  readonly #run: string;
  #chunk = 0;
  #text: string[] = [];

  constructor(context: RunContext, run: string) {
    this.#context = context;
    this.#run = run;
  }

  async add(item: ItemOfList): Promise<void> {
    if (chunkOf(item.index) !== this.#chunk) await this.flush();
    this.#chunk = chunkOf(item.index);
    this.#text.push(encodeLine(item));
  }

  async flush(): Promise<void> {
    if (this.#text.length === 0) return;
    const text = this.#text.join('');
    this.#text = [];
    await putText(this.#context.state, runKeys(this.#run).items(this.#chunk), text, {
      condition: { kind: 'any' },
      sealed: true,
    });
  }
}
