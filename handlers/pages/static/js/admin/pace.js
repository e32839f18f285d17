// How fast an upload is, and how long it will take.

const WINDOW = 6000; // milliseconds over which the speed is measured

export class Pace {
  constructor() {
    this.samples = [];
  }

  /** `{sent, total, speed, left}`: bytes, bytes a second, seconds (null where not known). */
  at(sent, total) {
    const now = performance.now();
    this.samples.push([now, sent]);
    while (this.samples.length > 2 && this.samples[0][0] < now - WINDOW) this.samples.shift();
    const [began, from] = this.samples[0];
    const speed = now > began ? ((sent - from) * 1000) / (now - began) : 0;
    return { sent, total, speed, left: speed > 0 ? (total - sent) / speed : null };
  }
}
