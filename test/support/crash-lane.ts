import { afterAll, beforeAll } from 'vitest';
import { CrashProcesses } from './crash-processes.ts';
import { type Origin, startOrigin } from './origin.ts';

/** The origin and the processes of one test file; there while its tests run. */
export interface CrashLane {
  readonly origin: Origin;
  readonly processes: CrashProcesses;
}

export function crashLane(): () => CrashLane {
  let lane: CrashLane | undefined;
  beforeAll(async () => {
    lane = { origin: await startOrigin(), processes: await CrashProcesses.start() };
  });
  afterAll(async () => {
    await lane?.processes.close();
    await lane?.origin.close();
  });
  return () => {
    if (!lane) throw new Error('the lane is there only while its tests run');
    return lane;
  };
}
