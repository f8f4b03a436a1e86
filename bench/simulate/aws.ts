import { transferRetriers } from '../../lib/errors/plumbing.ts';
import type { Random } from './random.ts';

/** What AWS gives and refuses, with the source of each number. Milliseconds and bytes. */

/** 625 Mbit/s a function at every size (measured by others and by us). */
export const LAMBDA_BYTES_PER_MS = 78_125;
/** Lambda developer guide, "Configure memory": one vCPU. */
const VCPU_MEMORY = 1_769;
const COLD_START_MS = 600;
const WARM_START_MS = 20;
export const PUT_MS = 40;
export const HEAD_MS = 20;
/** Of one vCPU: what a small file costs beside its bytes (`npm run bench:small`), and what a byte costs (1.6 s a GiB). */
export const CPU_MS_PER_FILE = 2;
export const CPU_MS_PER_BYTE = 1_600 / 2 ** 30;
/** S3 user guide, "Optimizing performance": of one prefix. That S3 splits a busy prefix after a while is left out. */
const PUTS_PER_SECOND = 3_500;
/** Lambda developer guide, "Concurrency scaling rate": environments a function may gain in ten seconds. */
const SCALE_PER_10_SECONDS = 1_000;
/** Step Functions developer guide, "Quotas related to state throttling": Standard, us-east-1. */
const TRANSITIONS_PER_SECOND = 5_000;

export function vcpus(memoryMegabytes: number): number {
  return memoryMegabytes / VCPU_MEMORY;
}

/** One prefix of S3: a token bucket of one second. */
export class Prefix {
  #tokens = PUTS_PER_SECOND;
  #filledAt = 0;
  slowDowns = 0;

  /** Whether a PUT is taken now. */
  take(now: number): boolean {
    const filled = this.#tokens + ((now - this.#filledAt) / 1_000) * PUTS_PER_SECOND;
    this.#tokens = Math.min(PUTS_PER_SECOND, filled);
    this.#filledAt = now;
    if (this.#tokens < 1) {
      this.slowDowns += 1;
      return false;
    }
    this.#tokens -= 1;
    return true;
  }
}

/** Environments of one function: those that are warm, and how fast new ones may come. */
export class Environments {
  #warm = 0;
  #busy = 0;
  #allowance = SCALE_PER_10_SECONDS;
  #filledAt = 0;
  refused = 0;

  /** Milliseconds until the handler runs; undefined: TooManyRequests. */
  start(now: number): number | undefined {
    if (this.#busy < this.#warm) {
      this.#busy += 1;
      return WARM_START_MS;
    }
    const filled = this.#allowance + ((now - this.#filledAt) / 10_000) * SCALE_PER_10_SECONDS;
    this.#allowance = Math.min(SCALE_PER_10_SECONDS, filled);
    this.#filledAt = now;
    if (this.#allowance < 1) {
      this.refused += 1;
      return undefined;
    }
    this.#allowance -= 1;
    this.#busy += 1;
    this.#warm += 1;
    return COLD_START_MS;
  }

  end(): void {
    this.#busy -= 1;
  }
}

/** The account's state transitions: later starts wait for their turn. */
export class Transitions {
  #freeAt = 0;

  /** When so many more transitions, wanted now, have been made. */
  take(now: number, count: number): number {
    this.#freeAt = Math.max(this.#freeAt, now - 1_000) + (count / TRANSITIONS_PER_SECOND) * 1_000;
    return Math.max(now, this.#freeAt);
  }
}

/** The state machine's pause after Lambda refused so many times. */
export function throttlePauseMs(refusals: number, random: Random): number {
  const retrier = transferRetriers.find(({ kind }) => kind === 'throttled');
  if (!retrier) throw new Error('nothing retries a throttle');
  const { intervalSeconds, backoffRate, maxDelaySeconds } = retrier;
  return 1_000 * random.next() * Math.min(maxDelaySeconds, intervalSeconds * backoffRate ** (refusals - 1));
}
