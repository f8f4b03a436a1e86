/**
 * The steps of one item, one behind the other: what comes out of one goes into the next, at the pace of whoever reads the
 * last. No step may make more bytes than the limits allow. Nothing is read before the first byte is asked for.
 */
import type { StepName, StepOptions, StepSpec, TransformSpec } from '../contract/transform.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { makeCsv } from './csv.ts';
import { makeDecode } from './decode.ts';
import { makeGunzip, makeGzip } from './gzip.ts';
import { makeJsonl } from './jsonl.ts';
import { limitSize } from './limits.ts';
import { makeLines } from './lines.ts';
import type { ItemAbout } from './module-session.ts';
import { transformByModule } from './module-step.ts';
import type { SplitObject, SplitStep, StepCounts, TransformLimits, TransformStep } from './transform.ts';
import { makeUntar } from './untar.ts';
import type { UserModule } from './user-module.ts';
import { makeUnzstd, makeZstd } from './zstd.ts';

export interface Chain {
  /** First to last. */
  readonly names: readonly StepName[];
  /** For one item, of which a module is told. Closing what comes out closes the input, once reading has begun. */
  run(input: AsyncIterable<Uint8Array>, about?: ItemAbout): ChainRun;
}

export type ChainRun =
  | { readonly kind: 'one'; readonly body: AsyncIterable<Uint8Array>; readonly counts: ChainCounts }
  | { readonly kind: 'many'; readonly objects: AsyncIterable<SplitObject>; readonly counts: ChainCounts };

/** Up to now; final when all has been read. */
export interface ChainCounts {
  readonly bytesIn: number;
  /** Of all objects together. */
  readonly bytesOut: number;
  /** Into the first step that knows rows; none where no step does. The rest of them was dropped. */
  readonly rowsIn: number | undefined;
  /** Out of the last one. */
  readonly rowsOut: number | undefined;
}

const KNOW_ROWS: ReadonlySet<StepName> = new Set(['lines', 'csv', 'jsonl', 'untar']);

/**
 * @param userModule what a step `module` does
 * @throws SkyhaulError `BatchInvalid` for steps that cannot be built or stand in the wrong place
 */
export function makeChain(specs: TransformSpec, limits: TransformLimits, userModule?: UserModule): Chain {
  const made = specs.map((spec) => makeStep(spec, limits, userModule));
  const split = made.findIndex((step) => 'split' in step);
  if (split !== -1 && split !== made.length - 1) {
    throw new SkyhaulError('BatchInvalid', 'transform: `untar` makes several objects, so nothing comes behind it.');
  }
  const names = specs.map(({ name }) => name);
  return { names, run: (input, about) => runChain(made, names, input, limits, about) };
}

type Step = TransformStep | SplitStep;

function makeStep(spec: StepSpec, limits: TransformLimits, userModule: UserModule | undefined): Step {
  switch (spec.name) {
    case 'gunzip':
      return makeGunzip(limits);
    case 'gzip':
      return makeGzip(spec.level);
    case 'unzstd':
      return makeUnzstd(limits, spec.maxWindowBytes);
    case 'zstd':
      return makeZstd(spec.level);
    case 'decode':
      return makeDecode(spec.charset);
    case 'lines':
      return makeLines(spec);
    case 'csv':
      return makeCsv(spec);
    case 'jsonl':
      return makeJsonl(spec);
    case 'untar':
      return makeUntar(spec, limits);
    case 'module':
      return makeModuleStep(spec, userModule);
  }
}

function makeModuleStep(spec: StepOptions<'module'>, userModule: UserModule | undefined): TransformStep {
  if (!userModule) {
    const where = '`skyhaul run --module <file>`, or the prop `module` of the construct';
    throw new SkyhaulError('BatchInvalid', `transform: \`module\` needs a module of your own: ${where}.`);
  }
  const { transform } = userModule;
  if (!transform) {
    const text = `${userModule.file} exports only \`consume\`, which is the last step`;
    throw new SkyhaulError('BatchInvalid', `transform: ${text}; for another step it needs a default export.`);
  }
  return {
    name: 'module',
    apply(input, _counts, about) {
      if (!about) throw new Error('a module is run without being told of its item');
      return transformByModule({ ...userModule, transform }, spec, input, about);
    },
  };
}

function runChain(
  made: readonly Step[],
  names: readonly StepName[],
  input: AsyncIterable<Uint8Array>,
  limits: TransformLimits,
  about: ItemAbout | undefined,
): ChainRun {
  const rows = made.map((): StepCounts => ({ rowsIn: 0, rowsOut: 0 }));
  const counts = new RunCounts(rows.filter((_, at) => KNOW_ROWS.has(names[at] as StepName)));
  let bytes: AsyncIterable<Uint8Array> = counts.countIn(input);
  for (const [at, step] of made.entries()) {
    const own = rows[at] as StepCounts;
    if ('split' in step) return { kind: 'many', objects: counts.countObjects(step.split(bytes, own)), counts };
    bytes = limitSize(step.name, limits, step.apply(bytes, own, about));
  }
  return { kind: 'one', body: counts.countOut(bytes), counts };
}

class RunCounts implements ChainCounts {
  readonly #rows: readonly StepCounts[];
  bytesIn = 0;
  bytesOut = 0;

  constructor(rows: readonly StepCounts[]) {
    this.#rows = rows;
  }

  get rowsIn(): number | undefined {
    return this.#rows[0]?.rowsIn;
  }

  get rowsOut(): number | undefined {
    return this.#rows.at(-1)?.rowsOut;
  }

  async *countIn(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.bytesIn += chunk.length;
      yield chunk;
    }
  }

  async *countOut(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.bytesOut += chunk.length;
      yield chunk;
    }
  }

  async *countObjects(objects: AsyncIterable<SplitObject>): AsyncGenerator<SplitObject> {
    for await (const object of objects) yield { ...object, body: this.countOut(object.body) };
  }
}
