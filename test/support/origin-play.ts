import type { Script } from './origin-script.ts';

/** Where the bytes of an answer go. */
export interface Sink {
  /** Sends the head. */
  begin(): Promise<void>;
  isGone(): boolean;
  write(bytes: Uint8Array): Promise<void>;
  cut(by: 'fin' | 'rst'): void;
}

/** Something that happens behind so many bytes. */
export interface Mark {
  readonly afterBytes: number;
  /** False: nothing follows. */
  act(): Promise<boolean> | boolean;
}

/** Sends an answer as its script says, in any protocol. False when it was not sent to its end. */
export async function play(
  script: Script,
  pieces: Iterable<Uint8Array>,
  sink: Sink,
  more: readonly Mark[] = [],
): Promise<boolean> {
  const { cut, stall, drip, delayMs = 0 } = script;
  if (delayMs === Number.POSITIVE_INFINITY) return false;
  if (delayMs > 0) await sleep(delayMs);
  const marks: Mark[] = [...more];
  if (cut !== undefined) {
    const act = () => {
      sink.cut(cut.by);
      return false;
    };
    marks.push({ afterBytes: cut.afterBytes, act });
  }
  if (stall !== undefined) marks.push({ afterBytes: stall.afterBytes, act: () => pause(stall.forMs) });
  let sent = 0;
  const goesOn = async () => {
    for (const mark of marks) if (mark.afterBytes === sent && !(await mark.act())) return false;
    return true;
  };
  await sink.begin();
  if (!(await goesOn())) return false;
  for (const piece of pieces) {
    for (let rest = piece; rest.length > 0; ) {
      if (sink.isGone()) return false;
      const ahead = marks.map((mark) => mark.afterBytes - sent).filter((distance) => distance > 0);
      const step = Math.min(rest.length, drip?.bytes ?? rest.length, ...ahead);
      await sink.write(rest.subarray(0, step));
      rest = rest.subarray(step);
      sent += step;
      if (!(await goesOn())) return false;
      if (drip !== undefined) await sleep(drip.everyMs);
    }
  }
  return true;
}

async function pause(ms: number | undefined): Promise<boolean> {
  if (ms === undefined) return false;
  await sleep(ms);
  return true;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
