import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource } from './source.ts';

/** The version whose bytes were being read is gone. What was read of it is worth nothing beside what comes now. */
export class SourceChanged extends SkyhaulError {
  /** The whole of what the source is now, still unread; whoever catches this reads or closes it. */
  readonly replacement: OpenedSource | undefined;
  /** It is the same version, but the source does not serve ranges of it. */
  readonly takesNoRanges: boolean;

  constructor(why: string, replacement?: OpenedSource, takesNoRanges = false) {
    super('SourceChanged', why);
    this.replacement = replacement;
    this.takesNoRanges = takesNoRanges;
  }
}
