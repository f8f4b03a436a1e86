/** Numbers as people read them. Sizes are binary (1 KiB = 1,024 bytes), as the destination counts its parts. */
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `0:07`, `12:30`, `3:02:09`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Time of day where the user is; `ms` in epoch milliseconds. */
export function formatTime(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 item`, `2,000 items`. */
export function countOf(count: number, one: string): string {
  return `${formatCount(count)} ${count === 1 ? one : `${one}s`}`;
}

/** `5MiB`, `1.5 GiB` or plain bytes as an integer of bytes; undefined when it is something else. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|TiB)?$/.exec(text.trim());
  if (!match) return undefined;
  const bytes = Number(match[1]) * 1024 ** UNITS.indexOf(match[2] ?? 'B');
  return Number.isSafeInteger(Math.round(bytes)) ? Math.round(bytes) : undefined;
}

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `30s`, `2m`, `1h` in milliseconds; a number without a unit is not accepted, because nobody can tell it. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/.exec(text.trim());
  const unit = MS[match?.[2] ?? ''];
  return match && unit ? Math.round(Number(match[1]) * unit) : undefined;
}

/** As `parseDuration` reads it: `1ms`, `90s`, `72h`. */
export function formatDuration(ms: number): string {
  const [unit, factor] = Object.entries(MS).findLast(([, size]) => ms % size === 0) ?? ['ms', 1];
  return `${ms / factor}${unit}`;
}
