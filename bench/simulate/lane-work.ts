import type { ErrorName } from '../../lib/errors/catalogue.ts';
import { type ErrorDetails, SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import type { HostCircuits } from '../../lib/transfer/host-circuit.ts';
import { decideRetry, MAX_SLEEP_MS } from '../../lib/transfer/retry-policy.ts';
import { CPU_MS_PER_BYTE, CPU_MS_PER_FILE, HEAD_MS, LAMBDA_BYTES_PER_MS, PUT_MS, vcpus } from './aws.ts';
import type { Answer } from './hosts.ts';
import { FAILED, NONE, STORED } from './ledger.ts';
import { isInParts, OpenUpload } from './open-upload.ts';
import type { Range, RoundPlan } from './round.ts';
import type { StoreClient } from './store-client.ts';
import type { System } from './system.ts';

/** A shard of the layout, at work in one invocation. */
export interface Shard {
  readonly lanes: readonly (readonly number[])[];
  nextLane: number;
  /** Lanes at work. */
  slots: number;
  begun: number;
  startedAt: number;
  /** So often Lambda would not start it. */
  refusals: number;
  cpuFreeAt: number;
  readonly store: StoreClient;
  readonly circuits: HostCircuits;
  /** By host: what a short Retry-After makes every lane here wait for. */
  readonly pausedUntil: Map<number, number>;
}

/** A lane at work. */
export interface Slot {
  readonly shard: Shard;
  lane: readonly number[];
  place: number;
  stage: 'take' | 'ask' | 'answer' | 'put';
  host: number;
  isConnected: boolean;
  item: number;
  parts: Range | undefined;
  /** That are to be moved. */
  bytes: number;
  answer: Answer | undefined;
  /** The round ends while the body comes: so many bytes will be there. */
  cutBytes: number | undefined;
  tries: number;
}

/** What `runLane` and `workOn` do, with the engine's own decisions and none of its sockets. */
export class LaneWork {
  readonly #system: System;
  readonly #plan: RoundPlan;

  constructor(system: System, plan: RoundPlan) {
    this.#system = system;
    this.#plan = plan;
  }

  slotOf(shard: Shard): Slot {
    const lane = shard.lanes[shard.nextLane++] ?? [];
    const rest = { parts: undefined, bytes: 0, answer: undefined, cutBytes: undefined, tries: 0 };
    return { shard, lane, place: 0, stage: 'take', host: -1, isConnected: false, item: -1, ...rest };
  }

  /** One step of a slot. Returns when the next one is due; undefined: there is no lane left for it. */
  step(slot: Slot): number | undefined {
    switch (slot.stage) {
      case 'take':
        return this.#take(slot);
      case 'ask':
        return this.#ask(slot);
      case 'answer':
        return this.#answered(slot);
      case 'put':
        return this.#put(slot);
    }
  }

  #take(slot: Slot): number | undefined {
    const { queue, world, ledger } = this.#system;
    const { itemAt, partsAt, roundEndsAt, state } = this.#plan;
    const { shard } = slot;
    for (;;) {
      const isOver = shard.begun > 0 && queue.now >= roundEndsAt;
      const position = isOver ? undefined : slot.lane[slot.place++];
      if (position === undefined) {
        this.#disconnect(slot);
        if (isOver || shard.nextLane >= shard.lanes.length) return undefined;
        slot.lane = shard.lanes[shard.nextLane++] ?? [];
        slot.place = 0;
        continue;
      }
      slot.item = itemAt(position);
      slot.host = world.hostOf[slot.item] as number;
      // Another range of it failed for good.
      if (ledger.outcomes[slot.item] !== NONE) continue;
      if (shard.circuits.isParked(String(slot.host))) continue;
      shard.begun += 1;
      slot.parts = partsAt(position);
      slot.bytes = state.uploads.get(slot.item)?.missing(slot.parts) ?? (world.bytesOf[slot.item] as number);
      slot.stage = 'ask';
      ledger.bill.get += 1;
      return queue.now + HEAD_MS;
    }
  }

  #ask(slot: Slot): number {
    const { queue, hosts } = this.#system;
    const { state, roundEndsAt } = this.#plan;
    const { shard, host, item, bytes } = slot;
    const { now } = queue;
    const paused = shard.pausedUntil.get(host) ?? 0;
    if (paused > now) return paused;
    const refusal = shard.circuits.refusalOf(String(host));
    if (refusal) return this.#failed(slot, refusal);
    if (bytes === 0) {
      slot.stage = 'put';
      slot.tries = 0;
      return shard.store.turn(now);
    }
    const isNew = !slot.isConnected;
    if (isNew) hosts.connect(host);
    slot.isConnected = true;
    const attempt = state.attempts[item] as number;
    const paceLimit = LAMBDA_BYTES_PER_MS / shard.slots;
    const answer = hosts.ask({ item, attempt, bytes, now, isNew, paceLimit });
    slot.answer = answer;
    slot.stage = 'answer';
    const endsAt = now + answer.ms;
    const isCut = answer.kind === 'body' && endsAt > roundEndsAt && now < roundEndsAt && this.#isInParts(item);
    slot.cutBytes = isCut ? (bytes * (roundEndsAt - now)) / answer.ms : undefined;
    return isCut ? roundEndsAt : endsAt;
  }

  #answered(slot: Slot): number {
    const { shard, host, item, bytes, answer, cutBytes } = slot;
    const { queue, random } = this.#system;
    if (!answer) throw new Error('no answer');
    if (answer.kind === 'body' || answer.kind === 'missing') {
      shard.circuits.answered(String(host));
      this.#plan.state.answered.add(String(host));
    }
    switch (answer.kind) {
      case 'body': {
        if (cutBytes !== undefined) {
          this.#storeParts(slot, cutBytes);
          slot.stage = 'take';
          return queue.now;
        }
        const cpuMs = (CPU_MS_PER_FILE + bytes * CPU_MS_PER_BYTE) / vcpus(this.#plan.memoryMegabytes);
        shard.cpuFreeAt = Math.max(shard.cpuFreeAt, queue.now) + cpuMs;
        slot.stage = 'put';
        slot.tries = 0;
        return shard.store.turn(shard.cpuFreeAt);
      }
      case 'missing':
        return this.#failed(slot, errorOf('NotFound', host, 404));
      case 'broken':
        this.#disconnect(slot);
        // A file in parts goes on from where it broke off; how far that was, chance says.
        if (this.#isInParts(item)) this.#storeParts(slot, bytes * random.next());
        return this.#failed(slot, errorOf('ConnectionLost', host));
      case 'dead':
        this.#disconnect(slot);
        return this.#failed(slot, errorOf('ConnectTimeout', host));
      case 'throttled': {
        const { retryAfterMs } = answer;
        if (retryAfterMs <= MAX_SLEEP_MS) shard.pausedUntil.set(host, queue.now + retryAfterMs);
        return this.#failed(slot, errorOf('Throttled', host, 429, retryAfterMs));
      }
    }
  }

  #put(slot: Slot): number {
    const { queue, prefix, random, ledger } = this.#system;
    const { shard, item, host } = slot;
    slot.tries += 1;
    const sent = shard.store.send(queue.now, slot.tries, prefix, random);
    if (sent.state === 'again') return sent.at;
    if (sent.state === 'refused') return this.#failed(slot, errorOf('StoreThrottled', host));
    const isDone = slot.parts === undefined;
    if (this.#isInParts(item)) this.#storeParts(slot, slot.bytes);
    // CompleteMultipartUpload, or the PUT itself.
    if (isDone) {
      ledger.bill.put += 1;
      ledger.end(item, STORED, queue.now + PUT_MS);
      this.#plan.state.uploads.delete(item);
    }
    slot.stage = 'take';
    return queue.now + PUT_MS;
  }

  #failed(slot: Slot, error: SkyhaulError): number {
    const { queue, random, ledger } = this.#system;
    const { state, maxAttempts, troubled } = this.#plan;
    const { shard, item, host } = slot;
    const parkedMs = shard.circuits.failed(String(host), error, { index: item, isProbe: troubled.has(String(host)) });
    const attempts = (state.attempts[item] as number) + 1;
    state.attempts[item] = attempts;
    const decision = decideRetry({ error, attempts, maxAttempts, parkedMs, random: random.next() });
    slot.stage = 'take';
    switch (decision.action) {
      case 'fail':
        if (ledger.outcomes[item] === NONE) ledger.end(item, FAILED, queue.now);
        state.uploads.delete(item);
        return queue.now;
      case 'retry':
        slot.stage = 'ask';
        return queue.now + decision.afterMs;
      case 'defer': {
        const until = queue.now + decision.afterMs;
        state.notBefore[item] = until;
        if (decision.parkHost) state.hostUntil[host] = Math.max(state.hostUntil[host] as number, until);
        return queue.now;
      }
    }
  }

  #isInParts(item: number): boolean {
    return isInParts(this.#system.world.bytesOf[item] as number);
  }

  #storeParts(slot: Slot, bytes: number): void {
    const { uploads, attempts } = this.#plan.state;
    const known = uploads.get(slot.item);
    const upload = known ?? new OpenUpload(this.#system.world.bytesOf[slot.item] as number);
    const parts = upload.store(bytes, slot.parts);
    // CreateMultipartUpload comes with the first one.
    this.#system.ledger.bill.put += parts + (known || parts === 0 ? 0 : 1);
    if (parts === 0) return;
    uploads.set(slot.item, upload);
    // Who came forward has all tries again.
    attempts[slot.item] = 0;
  }

  #disconnect(slot: Slot): void {
    if (slot.isConnected) this.#system.hosts.disconnect(slot.host);
    slot.isConnected = false;
  }
}

function errorOf(name: ErrorName, host: number, status?: number, retryAfterMs?: number): SkyhaulError {
  const details: ErrorDetails = {
    host: String(host),
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  return new SkyhaulError(name, name, details);
}
