// When playback broke off: find out why, and go on from the same place as soon as that is possible.

import { call } from "./api.js";

const FIRST = 500; // milliseconds before the first try, twice as long before each further one
const LONGEST = 15000;
const QUIET = 1; // tries before the viewer hears of it
const LAST = 4; // tries while the server answers as if nothing were wrong

/** Play; a source that is loaded meanwhile interrupts that, so once more when it is there. Resolves
 *  to whether it plays: not every browser lets a page begin by itself. */
export async function play(video) {
  try {
    await video.play();
  } catch (problem) {
    if (problem.name !== "AbortError") return false;
    if (video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) await new Promise((resolve) => { video.addEventListener("canplay", resolve, { once: true }); });
    return video.play().then(() => true, () => false);
  }
  return true;
}

export class Recovery {
  /** `load(at)` loads the film anew; `listener.problem(kind, again)` tells the viewer, with null
   *  when it is over. */
  constructor(video, load, listener, url) {
    Object.assign(this, { video, load, listener });
    this.path = url.replace("/api/", "");
    this.tries = 0;
    this.isBusy = false;
    this.isStopped = false;
    this.online = () => this.tries && this.again();
    window.addEventListener("online", this.online);
  }

  stop() {
    this.isStopped = true;
    clearTimeout(this.timer);
    window.removeEventListener("online", this.online);
  }

  succeeded() {
    if (this.tries && !this.isBusy) this.listener.problem(null);
    this.tries = 0;
    this.place = undefined;
  }

  /** Playback broke off. Where it stood is taken now: a failed player forgets it. */
  async failed() {
    if (this.isBusy || this.isStopped) return;
    this.isBusy = true;
    this.place ??= { at: this.video.currentTime, plays: !this.video.paused };
    const kind = await this.reason();
    this.isBusy = false;
    if (this.isStopped || kind === "signed-out") return; // the page shows the sign-in
    if (kind === "gone" || (kind === "broken" && this.tries >= LAST)) {
      this.tries = 0;
      this.listener.problem(kind, () => this.again());
      return;
    }
    if (this.tries >= QUIET) this.listener.problem(kind === "broken" ? "waiting" : kind, () => this.again());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(), Math.min(LONGEST, FIRST * 2 ** this.tries));
  }

  /** Ask the server itself: this also replaces a token that was refused. */
  async reason() {
    try {
      await call(this.path);
      return "broken"; // it answers: a segment was refused, or cannot be played
    } catch (problem) {
      return problem.kind;
    }
  }

  async again() {
    clearTimeout(this.timer);
    if (this.isStopped || !this.place) return;
    this.tries += 1;
    const { at, plays } = this.place;
    await this.load(at);
    if (plays) await play(this.video);
  }
}
