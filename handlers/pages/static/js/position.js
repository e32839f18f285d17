// Where a viewer stopped, kept on the server.

import { call } from "./api.js";
import { csrfToken } from "./session.js";

const EVERY = 10; // seconds of playing between two notes
const START = 10; // seconds below which one begins at the beginning
const END = 0.97; // share of the film after which it counts as seen

/** Seconds to go on from; 0 for the beginning. */
export async function startOf(film) {
  try {
    return (await call(`video/${film.id}/position/`)).position;
  } catch (problem) {
    if (["signed-out", "unreachable"].includes(problem.kind)) throw problem;
    return 0; // a film can be watched without it
  }
}

/** Note the place while it plays, at each pause, and when the page goes away. */
export class Positions {
  constructor(film, video) {
    this.film = film;
    this.video = video;
    this.noted = -1;
    this.stopper = new AbortController();
    const { signal } = this.stopper;
    video.addEventListener("timeupdate", () => {
      if (!video.seeking && !video.paused && Math.abs(video.currentTime - this.noted) >= EVERY) this.note();
    }, { signal });
    video.addEventListener("pause", () => this.note(), { signal });
    video.addEventListener("ended", () => this.note(), { signal });
    window.addEventListener("pagehide", () => this.note(), { signal });
  }

  /** The place as it is worth going on from. */
  static worth(seconds, duration) {
    return seconds < START || !duration || seconds > duration * END ? 0 : Math.round(seconds * 10) / 10;
  }

  note() {
    const { currentTime, duration, readyState } = this.video;
    if (!readyState || !Number.isFinite(duration) || currentTime === this.noted) return;
    if (this.noted < 0 && currentTime < 1) return; // nothing was watched
    this.noted = currentTime;
    if (!csrfToken()) return; // signed out meanwhile
    const json = { position: Positions.worth(currentTime, duration) };
    call(`video/${this.film.id}/position/`, { method: "PUT", json, keepalive: true }).catch(() => {});
  }

  stop() {
    this.note();
    this.stopper.abort();
  }
}
