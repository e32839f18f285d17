// The seek bar: a range that is dragged, tapped or moved by keys, with what is buffered, and a
// small picture of the moment under the pointer.

import { clock, el } from "./dom.js";
import { pictureAt } from "./storyboard.js";

const STEP = 5; // seconds a key moves
const PAGE = 60;
const FRAME = 10; // pixels around the picture
const NARROW = 76; // of a preview without a picture

export class SeekBar {
  constructor(video) {
    this.video = video;
    this.pictures = [];
    this.isHeld = false;
    this.input = el("input", { type: "range", min: "0", max: "0", step: "any", value: "0", class: "seek-range", "aria-label": "Place in the film" });
    this.played = el("span", { class: "seek-played" });
    this.buffered = el("span", { class: "seek-buffered" });
    this.picture = el("span", { class: "preview-picture" });
    this.moment = el("span", { class: "preview-time" });
    this.preview = el("div", { class: "preview", "aria-hidden": "true", hidden: true }, this.picture, this.moment);
    this.element = el("div", { class: "seek" }, el("span", { class: "seek-track" }, this.buffered, this.played), this.input, this.preview);
    this.listen();
  }

  listen() {
    const { input, video, element } = this;
    input.addEventListener("input", () => {
      this.isHeld = true;
      this.draw(Number(input.value));
      this.showPreview(Number(input.value));
    });
    input.addEventListener("change", () => {
      this.isHeld = false;
      video.currentTime = Number(input.value);
    });
    // A drag that the browser takes away (for a scroll, say) ends without a change, as does one that
    // comes back to where it began; the release tells of a change first.
    input.addEventListener("pointercancel", () => this.release());
    for (const name of ["pointerup", "blur"]) input.addEventListener(name, () => setTimeout(() => this.release()));
    input.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("pointermove", (event) => {
      const box = input.getBoundingClientRect();
      this.showPreview(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.length);
    });
    for (const name of ["pointerleave", "pointercancel"]) element.addEventListener(name, () => this.hidePreview());
    input.addEventListener("blur", () => this.hidePreview());
    for (const name of ["timeupdate", "durationchange", "seeking", "progress", "loadedmetadata"]) {
      video.addEventListener(name, () => this.update());
    }
  }

  /** Nobody holds it any more: it shows where the film is. */
  release() {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.update();
  }

  get length() {
    return Number.isFinite(this.video.duration) ? this.video.duration : 0;
  }

  key(event) {
    const now = this.video.currentTime;
    const places = { ArrowLeft: now - STEP, ArrowDown: now - STEP, ArrowRight: now + STEP, ArrowUp: now + STEP, PageDown: now - PAGE, PageUp: now + PAGE, Home: 0, End: this.length };
    if (!(event.key in places) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // the player's own keys mean other steps
    this.video.currentTime = Math.min(this.length, Math.max(0, places[event.key]));
  }

  update() {
    this.input.max = String(this.length);
    if (this.isHeld) return;
    this.input.value = String(this.video.currentTime);
    this.draw(this.video.currentTime);
  }

  draw(at) {
    const { buffered } = this.video;
    let end = 0;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= at + 0.5) end = Math.max(end, buffered.end(index));
    }
    const share = (seconds) => `${this.length ? (100 * seconds) / this.length : 0}%`;
    this.played.style.width = share(at);
    this.buffered.style.width = share(end);
    this.input.setAttribute("aria-valuetext", `${clock(at)} of ${clock(this.length)}`);
  }

  showPreview(at) {
    if (!this.length) return;
    const found = pictureAt(this.pictures, at);
    this.moment.textContent = clock(at);
    this.picture.hidden = !found;
    if (found) {
      const { style } = this.picture;
      style.width = `${found.width}px`;
      style.height = `${found.height}px`;
      style.backgroundImage = `url("${found.url}")`;
      style.backgroundPosition = `-${found.x}px -${found.y}px`;
    }
    // By the style sheet alone: to measure here would make the browser lay out the page each time.
    const half = `${(found ? found.width + FRAME : NARROW) / 2}px`;
    this.preview.style.left = `clamp(${half}, ${(100 * at) / this.length}%, calc(100% - ${half}))`;
    this.preview.hidden = false;
  }

  hidePreview() {
    this.preview.hidden = true;
  }
}
