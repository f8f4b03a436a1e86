import type { SecretBinding } from '../lib/contract/secret.ts';

/** `--secret name=https://api.example.com`: that origin may be sent that secret. One name may be given several origins. */
export function readSecrets(words: readonly string[]): { bindings: SecretBinding[]; problems: string[] } {
  const origins = new Map<string, string[]>();
  const problems: string[] = [];
  for (const word of words) {
    // Names may hold `=`, origins do not.
    const at = word.lastIndexOf('=');
    const [name, origin] = [word.slice(0, Math.max(at, 0)), word.slice(at + 1)];
    if (name === '' || !/^https?:/.test(origin) || URL.parse(origin)?.origin !== origin) {
      problems.push(`--secret: must be name=https://host, found ${JSON.stringify(word)}`);
      continue;
    }
    origins.set(name, [...(origins.get(name) ?? []), origin]);
  }
  return { bindings: Array.from(origins, ([name, all]) => ({ name, origins: all })), problems };
}
