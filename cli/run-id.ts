const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Random characters of [a-z0-9]. `random` gives numbers from 0 up to, but not including, 1. */
export function randomWord(length: number, random: () => number): string {
  return Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
}

/** A run id that sorts by time and does not repeat: `20261124-081500-k3xw`, in UTC. `now` is in epoch milliseconds. */
export function newRunId(now: number, random: () => number): string {
  const digits = new Date(now).toISOString().replace(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${randomWord(4, random)}`;
}
