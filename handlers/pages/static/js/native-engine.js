// Playing by the browser itself: it asks for segments on its own, so the session is kept fresh by
// the timer, and what was refused meanwhile is loaded again from where it stood.

import { Recovery } from "./recovery.js";
import { fresh } from "./session.js";

const STUCK = 12000; // milliseconds without data before it is loaded again

const label = (track) => track.label || track.language || "Track";

function listed(tracks) {
  return [...(tracks ?? [])].map((track, index) => ({ id: String(index), label: label(track), language: track.language, track }));
}

export class NativeEngine {
  constructor(video, film, listener) {
    this.video = video;
    this.url = `/api/video/${film.id}/master.m3u8`;
    this.listener = listener;
    this.recovery = new Recovery(video, (at) => this.load(at), listener, this.url);
    this.stopper = new AbortController();
    const { signal } = this.stopper;
    video.addEventListener("error", () => this.recovery.failed(), { signal });
    video.addEventListener("playing", () => this.recovery.succeeded(), { signal });
    video.addEventListener("loadedmetadata", () => listener.tracks(), { signal });
    // After a sleep the token may be over before the first segment is asked for.
    video.addEventListener("play", () => fresh().catch(() => {}), { signal });
    video.addEventListener("waiting", () => this.watch(), { signal });
    video.addEventListener("timeupdate", () => clearTimeout(this.watching), { signal });
  }

  async load(at) {
    const { video } = this;
    await fresh().catch(() => {});
    if (this.stopper.signal.aborted) return; // left meanwhile
    if (at > 0) video.addEventListener("loadedmetadata", () => { video.currentTime = at; }, { once: true, signal: this.stopper.signal });
    video.src = this.url;
    video.load();
  }

  watch() {
    clearTimeout(this.watching);
    this.watching = setTimeout(() => {
      if (!this.video.paused && this.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) this.recovery.failed();
    }, STUCK);
  }

  destroy() {
    clearTimeout(this.watching);
    this.stopper.abort();
    this.recovery.stop();
    this.video.removeAttribute("src");
    this.video.load();
  }

  qualities() {
    return []; // browsers choose by themselves, and do not say
  }

  get quality() {
    return "auto";
  }

  get current() {
    return "";
  }

  sounds() {
    return listed(this.video.audioTracks);
  }

  get sound() {
    return this.sounds().find(({ track }) => track.enabled)?.id ?? "";
  }

  set sound(id) {
    for (const each of this.sounds()) each.track.enabled = each.id === id;
  }

  texts() {
    return listed(this.video.textTracks).filter(({ track }) => ["subtitles", "captions"].includes(track.kind));
  }

  get text() {
    return this.texts().find(({ track }) => track.mode === "showing")?.id ?? "";
  }

  set text(id) {
    for (const each of this.texts()) each.track.mode = each.id === id ? "showing" : "disabled";
  }
}
