import { type Size, Token } from 'aws-cdk-lib';
import type { DeployedLimits } from '../lib/contract/deployed-limits.ts';
import { MAX_OBJECT_BYTES } from '../lib/contract/limits.ts';

/** What no run exceeds, whatever a batch or an item asks for; a batch that asks for more gets this much. */
export interface RunLimits {
  /**
   * Connections to one host.
   * @default - as many as a batch asks for
   */
  readonly perHostConnections?: number;
  /**
   * Of one item.
   * @default - what S3 takes
   */
  readonly maxBytes?: Size;
  /**
   * Of a whole run.
   * @default - none
   */
  readonly maxTotalBytes?: Size;
  /**
   * From the start of a run; what is left then is reported as failed.
   * @default - as many as a batch asks for
   */
  readonly maxHours?: number;
}

const MAX_HOURS = 8_760;

/** As Plan takes them. Throws where one cannot be right. */
export function limitsOf({ perHostConnections, maxBytes, maxTotalBytes, maxHours }: RunLimits): DeployedLimits {
  checkWhole('perHostConnections', perHostConnections, 1_000);
  checkWhole('maxBytes', maxBytes?.toBytes(), MAX_OBJECT_BYTES, ' of bytes');
  checkWhole('maxTotalBytes', maxTotalBytes?.toBytes(), Number.MAX_SAFE_INTEGER, ' of bytes');
  if (maxHours !== undefined && !Token.isUnresolved(maxHours) && !(maxHours > 0 && maxHours <= MAX_HOURS)) {
    throw new Error(`limits.maxHours must be a number above 0, at most ${MAX_HOURS}, got ${maxHours}`);
  }
  return {
    ...(perHostConnections !== undefined && { perHostConnections }),
    ...(maxBytes && { maxBytes: maxBytes.toBytes() }),
    ...(maxTotalBytes && { maxTotalBytes: maxTotalBytes.toBytes() }),
    ...(maxHours !== undefined && { maxHours }),
  };
}

function checkWhole(name: string, value: number | undefined, most: number, unit = ''): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new Error(`limits.${name} must be a whole number${unit} from 1 to ${most}, got ${value}`);
}
