// The player: a <video> with controls of our own.

import { call } from "./api.js";
import { clock, el, icon, iconButton, say, show } from "./dom.js";
import { openEngine } from "./engine.js";
import { listenToKeys, placeWords } from "./player-keys.js";
import { PlayerMenu } from "./player-menu.js";
import { Positions, startOf } from "./position.js";
import { prefer, preference } from "./prefs.js";
import { play } from "./recovery.js";
import { SeekBar } from "./seekbar.js";
import { storyboard } from "./storyboard.js";
import { toast } from "./toast.js";

const REST = 3000; // milliseconds without a movement after which controls go away
const TROUBLES = {
  unreachable: ["The server cannot be reached", "Playback goes on by itself as soon as it answers."],
  waiting: ["Playback stopped", "Trying again …"],
  gone: ["This film is gone", "It was taken out of the catalogue."],
  forbidden: ["This film cannot be played", "You may not watch it."],
  broken: ["This film cannot be played", "Something is wrong with it, or with the server."],
  none: ["This browser cannot play films", "It has neither Media Source Extensions nor HLS of its own."],
  missing: ["The player is not installed on this server", "This browser needs hls.js. Whoever runs the server installs it with npm and “make”, or names a copy in pages.hls_cdn_url."],
  unloaded: ["The player could not be loaded", "hls.js, which this browser needs, did not arrive."],
};
const FINAL = ["gone", "none", "missing"]; // to try again is of no use

function swap(button, name, label) {
  if (button.getAttribute("aria-label") === label) return;
  show(button, icon(name));
  button.setAttribute("aria-label", label);
  button.title = label;
}

export class Player {
  /** `keepsPlace`: begins where the viewer stopped, and notes where he stops. */
  constructor(film, poster, { keepsPlace = true } = {}) {
    this.film = film;
    this.keepsPlace = keepsPlace;
    this.stopper = new AbortController();
    this.video = el("video", { class: "screen", playsInline: true, preload: "auto", poster, tabIndex: -1 });
    this.video.volume = preference("volume", 1);
    this.video.muted = preference("muted", false);
    this.seekBar = new SeekBar(this.video);
    this.menu = new PlayerMenu(this.video, () => this.showText());
    this.time = el("span", { class: "time" }, "0:00");
    this.trouble = el("div", { class: "trouble", role: "alert", hidden: true });
    this.spinner = el("div", { class: "spinner", hidden: true });
    this.build();
    this.listen();
  }

  build() {
    this.playButton = iconButton("play", "Play", () => this.toggle());
    this.muteButton = iconButton("loud", "Sound off", () => this.toggleMute());
    this.volume = el("input", { type: "range", class: "volume", min: "0", max: "1", step: "0.05", value: String(this.video.volume), "aria-label": "Volume", on: { input: () => this.setVolume(Number(this.volume.value)) } });
    this.textButton = iconButton("captions", "Subtitles", () => this.toggleText(), { "aria-pressed": "false", hidden: true });
    this.menuButton = iconButton("settings", "Settings", () => this.toggleMenu(), { "aria-expanded": "false", "aria-controls": "player-menu" });
    this.insetButton = iconButton("inset", "Picture in picture", () => this.toggleInset(), { hidden: !document.pictureInPictureEnabled });
    this.fullButton = iconButton("full", "Full screen", () => this.toggleFull());
    const left = [this.playButton, iconButton("back", "10 seconds back", () => this.seek(this.video.currentTime - 10)), iconButton("forward", "10 seconds forward", () => this.seek(this.video.currentTime + 10)), this.muteButton, this.volume, this.time];
    const right = [this.textButton, this.menuButton, this.insetButton, this.fullButton];
    this.controls = el("div", { class: "controls" }, this.seekBar.element, el("div", { class: "buttons" }, el("div", { class: "buttons-left" }, left), el("div", { class: "buttons-right" }, right)));
    this.bigButton = el("button", { type: "button", class: "big-play", "aria-label": "Play the film", hidden: true, on: { click: () => this.toggle() } }, icon("play"));
    this.element = el("section", { class: "player", "aria-label": `Player: ${this.film.title}` }, this.video, this.spinner, this.bigButton, this.menu.element, this.controls, this.trouble);
  }

  listen() {
    const { video } = this;
    const { signal } = this.stopper;
    const on = (target, names, action) => names.split(" ").forEach((name) => target.addEventListener(name, action, { signal }));
    on(video, "play pause ended", () => this.showState());
    on(video, "timeupdate durationchange seeking", () => { this.time.textContent = `${clock(video.currentTime)} / ${clock(video.duration)}`; });
    on(video, "waiting seeking", () => { this.spinner.hidden = false; });
    on(video, "playing seeked canplay error pause", () => { this.spinner.hidden = true; });
    on(video, "playing", () => this.tell(null));
    on(video, "volumechange", () => this.showVolume());
    on(video, "click", () => { if (matchMedia("(hover: hover)").matches) this.toggle(); });
    on(video, "dblclick", () => this.toggleFull());
    on(this.element, "pointermove pointerdown focusin", () => this.wake());
    on(this.element, "pointerleave", () => this.rest());
    on(document, "fullscreenchange", () => this.showFull());
    on(document, "pointerdown", (event) => {
      if (!this.menu.element.contains(event.target) && !this.menuButton.contains(event.target)) this.closeMenu();
    });
    listenToKeys(this, signal);
    this.showVolume();
    this.wake();
  }

  /** Find the place, load, and play where the browser lets us. Resolves to the place. Rejects with
   *  a Problem. */
  async start() {
    const at = this.keepsPlace ? await startOf(this.film) : 0;
    const engine = await openEngine(this.video, this.film, { tracks: () => this.showTracks(), problem: (kind, again) => this.tell(kind, again) });
    if (this.stopper.signal.aborted) return at;
    this.engine = engine;
    this.menu.engine = engine;
    this.spinner.hidden = false;
    await engine.load(at);
    if (this.stopper.signal.aborted) return at;
    play(this.video).then((isPlaying) => isPlaying || this.showState());
    if (this.keepsPlace) this.positions = new Positions(this.film, this.video);
    storyboard(`video/${this.film.id}/storyboard.vtt`, call).then((found) => { this.seekBar.pictures = found; });
    return at;
  }

  stop() {
    this.positions?.stop();
    this.stopper.abort();
    clearTimeout(this.resting);
    if (document.pictureInPictureElement === this.video) document.exitPictureInPicture().catch(() => {});
    this.engine?.destroy();
    this.element.remove();
  }

  toggle() {
    if (this.video.paused) play(this.video);
    else this.video.pause();
  }

  seek(seconds) {
    if (!Number.isFinite(this.video.duration)) return;
    this.video.currentTime = Math.min(this.video.duration, Math.max(0, seconds));
    say(placeWords(this.video));
  }

  setVolume(volume) {
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.video.muted = this.video.volume === 0;
  }

  toggleMute() {
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 0.5;
  }

  toggleText() {
    const label = this.engine && this.menu.toggleText();
    if (label !== null && label !== undefined) say(label ? `Subtitles: ${label}` : "Subtitles off");
  }

  stepSpeed(direction) {
    say(`Speed ${this.menu.stepSpeed(direction)}`);
  }

  toggleInset() {
    if (!document.pictureInPictureEnabled) return;
    const going = document.pictureInPictureElement ? document.exitPictureInPicture() : this.video.requestPictureInPicture();
    going.catch(() => toast("Picture in picture is not possible now.", { isBad: true }));
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.element.requestFullscreen) this.element.requestFullscreen().catch(() => {});
    else this.video.webkitEnterFullscreen?.(); // iPhones know full screen of a video alone
  }

  toggleMenu() {
    const { element } = this.menu;
    element.hidden = !element.hidden;
    this.menuButton.setAttribute("aria-expanded", String(!element.hidden));
    this.menu.update();
    if (!element.hidden) element.querySelector(".menu-row:not([hidden]) select")?.focus();
  }

  /** Whether it was open. */
  closeMenu() {
    if (this.menu.element.hidden) return false;
    const hadFocus = this.menu.element.contains(document.activeElement);
    this.menu.element.hidden = true;
    this.menuButton.setAttribute("aria-expanded", "false");
    if (hadFocus) this.menuButton.focus();
    return true;
  }

  showTracks() {
    this.menu.restore();
    this.menu.update();
    this.showText();
  }

  showText() {
    this.textButton.hidden = this.engine.texts().length === 0;
    this.textButton.setAttribute("aria-pressed", String(this.engine.text !== ""));
  }

  showState() {
    const { paused, ended, currentTime } = this.video;
    if (ended) swap(this.playButton, "replay", "Play again");
    else swap(this.playButton, paused ? "play" : "pause", paused ? "Play" : "Pause");
    this.bigButton.hidden = !(paused && (currentTime === 0 || ended));
    this.wake();
  }

  showVolume() {
    const { muted, volume } = this.video;
    swap(this.muteButton, muted ? "mute" : "loud", muted ? "Sound on" : "Sound off");
    this.volume.value = String(muted ? 0 : volume);
    prefer("volume", volume);
    prefer("muted", muted);
  }

  showFull() {
    const isFull = document.fullscreenElement === this.element;
    swap(this.fullButton, isFull ? "small" : "full", isFull ? "Leave full screen" : "Full screen");
  }

  /** Show controls, and let them go away again when nothing moves. */
  wake() {
    this.element.classList.remove("resting");
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(), REST);
  }

  rest() {
    const isUsed = !this.menu.element.hidden || this.controls.querySelector(":focus-visible");
    if (!this.video.paused && !isUsed) this.element.classList.add("resting");
  }

  /** Say what is wrong over the picture; null takes it away. */
  tell(kind, again) {
    this.trouble.hidden = !kind;
    if (!kind) return;
    this.spinner.hidden = true;
    const [title, text] = TROUBLES[kind] ?? TROUBLES.broken;
    const button = again && !FINAL.includes(kind) ? el("button", { class: "primary", type: "button", on: { click: again } }, "Try again now") : null;
    const way = kind === "gone" ? el("a", { class: "button", href: "#/" }, "To all films") : null;
    show(this.trouble, el("p", { class: "trouble-title" }, title), el("p", {}, text), button, way);
  }
}
