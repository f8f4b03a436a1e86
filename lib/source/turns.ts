/** One after another: what is taken up next begins when what was taken up before has ended, however it did. */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  #taken = 0;

  get areOver(): boolean {
    return this.#taken === 0;
  }

  /** `work` never rejects. */
  take(work: () => Promise<void>): void {
    this.#taken += 1;
    this.#last = this.#last.then(work).finally(() => {
      this.#taken -= 1;
    });
  }
}
