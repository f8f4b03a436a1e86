/** Small numbers for values that are compared by what they hold, so that a state of the model is short. */
export class Interner<T> {
  readonly #ids = new Map<string, number>();
  readonly #values: T[] = [];

  id(value: T): number {
    const text = JSON.stringify(value);
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    this.#values.push(value);
    this.#ids.set(text, this.#values.length - 1);
    return this.#values.length - 1;
  }

  at(id: number): T {
    const value = this.#values[id];
    if (value === undefined) throw new Error(`nothing is interned as ${id}`);
    return value;
  }
}

/** The same function, asked once for each argument list. Arguments are numbers, strings and booleans. */
export function memoised<Args extends readonly (string | number | boolean | undefined)[], T>(
  ask: (...args: Args) => T,
): (...args: Args) => T {
  const known = new Map<string, T>();
  return (...args) => {
    const key = args.join('\n');
    const found = known.get(key);
    if (found !== undefined || known.has(key)) return found as T;
    const value = ask(...args);
    known.set(key, value);
    return value;
  };
}
