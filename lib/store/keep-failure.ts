/**
 * A body whose error is remembered, because on its way through foreign code it is wrapped, replaced by "aborted", or taken
 * for an error of the destination: both have codes such as ENOENT.
 */
export interface KeptBody {
  readonly body: AsyncIterable<Uint8Array>;
  /** Runs what reads the body, and throws the body's own error where that was what failed. */
  run<T>(effect: () => Promise<T>): Promise<T>;
}

export function keepFailure(body: AsyncIterable<Uint8Array>): KeptBody {
  let failure: { readonly error: unknown } | undefined;
  async function* read() {
    try {
      yield* body;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  return {
    body: read(),
    run: async (effect) => {
      try {
        return await effect();
      } catch (error) {
        throw failure === undefined ? error : failure.error;
      }
    },
  };
}
