/**
 * What a test wants to go wrong in S3, as small declarative rules: which calls, whether S3 carries them out, and what is
 * answered. The same rules work in the memory S3 and in the proxy in front of a real one. A retry by the SDK is a call
 * like any other.
 */
import type { Answer, Call, Operation } from './store-faults-call.ts';

export interface Rule {
  readonly on?: Operation | readonly Operation[];
  readonly key?: string | RegExp;
  readonly part?: number;
  /** From the nth call that fits on, counted from 1. @default 1 */
  readonly nth?: number;
  /** So many calls that fit. @default 1 with `nth`, all without */
  readonly times?: number;
  /** Of each call that fits, by the seeded random. @default 1 */
  readonly probability?: number;
  readonly do: Effect;
}

/** Fields combine: `{ delayMs: 50, apply: 'twice', reply: 'reset' }`. Nothing set is no fault. */
export interface Effect {
  /** Before S3 sees the call. */
  readonly delayMs?: number;
  /** Runs before S3 sees the call, and after it has carried it out but before the answer. Awaited. */
  readonly before?: (call: Call) => unknown;
  readonly after?: (call: Call) => unknown;
  /** So many bytes of the request are read, then its connection is reset and S3 has seen nothing. */
  readonly resetAfterBytes?: number;
  /**
   * `never`: S3 sees nothing. `twice`: carried out twice at once. Or the second time comes later, as a zombie's does: after
   * some time, or just before the next call of some operation on the same key. @default 'once'
   */
  readonly apply?: 'once' | 'never' | 'twice' | { readonly againAfterMs: number } | { readonly againBefore: Operation };
  /** After S3 has carried it out. */
  readonly replyDelayMs?: number;
  /**
   * `reset` and `hang` give no answer. `cut` sends that share of the body and resets; `shorten` makes a well-formed answer
   * of it. @default what S3 answered; 500 InternalError when it was never asked
   */
  readonly reply?:
    | 'reset'
    | 'hang'
    | { readonly cut: number }
    | { readonly shorten: number }
    | { readonly status: number; readonly code: string }
    | ((answer: Answer) => Answer);
}

/** S3 (API reference, "Error responses"). */
const STATUS: Readonly<Record<string, number>> = {
  SlowDown: 503,
  ServiceUnavailable: 503,
  InternalError: 500,
  AccessDenied: 403,
  RequestTimeTooSkewed: 403,
  NoSuchUpload: 404,
  NoSuchKey: 404,
  NoSuchBucket: 404,
  ConditionalRequestConflict: 409,
  OperationAborted: 409,
  PreconditionFailed: 412,
};

/** Never carried out, the connection reset. */
export const DROP: Effect = { apply: 'never', reply: 'reset' };
/** Never carried out, never answered. */
export const HANG: Effect = { apply: 'never', reply: 'hang' };
/** Carried out, the answer lost. */
export const LOSE_REPLY: Effect = { reply: 'reset' };

/** Never carried out, answered with this error (400 where S3 has no other status for it). */
export function refuse(code: string, status = STATUS[code] ?? 400): Effect {
  return { apply: 'never', reply: { status, code } };
}

/** Which effect each call gets. Rules are asked in order, the first that fires wins; each counts the calls that fit it. */
export class RuleBook {
  readonly #rules: { readonly rule: Rule; fitted: number }[] = [];
  readonly #random: () => number;

  constructor(rules: readonly Rule[] = [], seed = 1) {
    this.#random = seededRandom(seed);
    this.add(...rules);
  }

  add(...rules: readonly Rule[]): void {
    for (const rule of rules) this.#rules.push({ rule, fitted: 0 });
  }

  decide(call: Call): Effect | undefined {
    let effect: Effect | undefined;
    for (const counted of this.#rules) {
      const { rule } = counted;
      if (!fits(rule, call)) continue;
      counted.fitted += 1;
      const first = rule.nth ?? 1;
      const times = rule.times ?? (rule.nth === undefined ? Number.POSITIVE_INFINITY : 1);
      if (counted.fitted < first || counted.fitted >= first + times) continue;
      if (rule.probability !== undefined && this.#random() >= rule.probability) continue;
      effect ??= rule.do;
    }
    return effect;
  }
}

function fits({ on, key, part }: Rule, call: Call): boolean {
  const operations = typeof on === 'string' ? [on] : on;
  if (operations !== undefined && !operations.includes(call.operation)) return false;
  if (part !== undefined && part !== call.part) return false;
  if (key === undefined) return true;
  return typeof key === 'string' ? key === call.key : call.key.search(key) !== -1;
}

/** mulberry32: in [0, 1), the same for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
