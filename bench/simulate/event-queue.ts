/** What happens when: a binary heap in typed arrays, so that half a million waiting events cost no garbage. */
export class EventQueue {
  #times = new Float64Array(1_024);
  #ids = new Int32Array(1_024);
  #size = 0;
  /** Of the event that was taken last, milliseconds. */
  now = 0;

  push(at: number, id: number): void {
    if (this.#size === this.#times.length) this.#grow();
    let place = this.#size++;
    for (let parent = (place - 1) >> 1; place > 0 && this.#time(parent) > at; parent = (place - 1) >> 1) {
      this.#set(place, this.#time(parent), this.#id(parent));
      place = parent;
    }
    this.#set(place, at, id);
  }

  /** The earliest event; undefined when nothing waits. */
  take(): number | undefined {
    if (this.#size === 0) return undefined;
    const first = this.#id(0);
    this.now = this.#time(0);
    this.#size -= 1;
    const at = this.#time(this.#size);
    const id = this.#id(this.#size);
    let place = 0;
    for (let child = 1; child < this.#size; child = 2 * place + 1) {
      if (child + 1 < this.#size && this.#time(child + 1) < this.#time(child)) child += 1;
      if (this.#time(child) >= at) break;
      this.#set(place, this.#time(child), this.#id(child));
      place = child;
    }
    this.#set(place, at, id);
    return first;
  }

  #time(place: number): number {
    return this.#times[place] as number;
  }

  #id(place: number): number {
    return this.#ids[place] as number;
  }

  #set(place: number, at: number, id: number): void {
    this.#times[place] = at;
    this.#ids[place] = id;
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#size);
    const ids = new Int32Array(2 * this.#size);
    times.set(this.#times);
    ids.set(this.#ids);
    this.#times = times;
    this.#ids = ids;
  }
}
