/**
 * Ctrl-C once: stop cleanly. Twice: leave at once. A launcher may pass a Ctrl-C on that the terminal has already
 * delivered, so two that come close together are one.
 */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

export interface StopHandlers {
  readonly onFirst: () => void;
  readonly onSecond: () => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const ONE_PRESS_MS = 700;

/** Returns what takes the listeners away again. */
export function watchStopSignals(source: SignalSource, handlers: StopHandlers): () => void {
  let firstAt: number | undefined;
  const listener = () => {
    const now = handlers.now();
    if (firstAt === undefined) {
      firstAt = now;
      handlers.onFirst();
    } else if (now - firstAt >= ONE_PRESS_MS) {
      handlers.onSecond();
    }
  };
  source.on('SIGINT', listener);
  source.on('SIGTERM', listener);
  return () => {
    source.off('SIGINT', listener);
    source.off('SIGTERM', listener);
  };
}
