/**
 * How two values compare. JSON compares by type: a number is never equal to a text. In CSV every value is text, so it is
 * read as what it is compared with: as a number beside a number, as true or false, and an empty field as null. Values that
 * do not fit each other are not equal, and in no order; nothing throws on data.
 */
export type Value = unknown;

/** Whose rules: those of CSV, or those of JSON. */
export type Rule = 'text' | 'json';

const NUMBER = /^[ \t]*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?[ \t]*$/;

/** The number that a text is, in decimal notation, with blanks around it or not; otherwise NaN. */
export function numberOf(text: string): number {
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

/**
 * Below 0, 0 or above 0; NaN where the two are neither equal nor in an order. Texts are ordered by their UTF-16 units.
 *
 * @param areFields both were read from the row: two texts of a CSV are then compared as numbers if both are
 */
export function order(left: Value, right: Value, rule: Rule, areFields: boolean): number {
  const a = left ?? null;
  const b = right ?? null;
  if (rule === 'text') {
    if (typeof a === 'string') return orderText(a, b, areFields);
    if (typeof b === 'string') return -orderText(b, a, areFields);
  }
  if (typeof a === 'number' && typeof b === 'number') return sign(a, b);
  if (typeof a === 'string' && typeof b === 'string') return sign(a, b);
  return a === b && (a === null || typeof a === 'boolean') ? 0 : Number.NaN;
}

function orderText(text: string, other: Value, areFields: boolean): number {
  if (typeof other === 'string') {
    const numbers = areFields ? sign(numberOf(text), numberOf(other)) : Number.NaN;
    return Number.isNaN(numbers) ? sign(text, other) : numbers;
  }
  if (typeof other === 'number') return sign(numberOf(text), other);
  const wanted = other === null ? '' : String(other);
  return text.toLowerCase() === wanted ? 0 : Number.NaN;
}

function sign<T extends number | string>(a: T, b: T): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return a === b ? 0 : Number.NaN;
}
