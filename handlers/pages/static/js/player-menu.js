// The player's settings: quality, speed, sound, subtitles. Plain selects, as every keyboard, screen
// reader and phone knows them.

import { el, show } from "./dom.js";
import { prefer, preference } from "./prefs.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

function choice(name, label, changed) {
  const select = el("select", { name, id: `player-${name}`, on: { change: () => changed(select.value) } });
  const element = el("div", { class: "menu-row" }, el("label", { htmlFor: select.id }, label), select);
  return { element, select };
}

function fill(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    // An open list is not to be rebuilt while nothing has changed.
    show(select, options.map(({ id, label }) => el("option", { value: id }, label)));
    select.dataset.key = key;
  }
  select.value = value;
}

export class PlayerMenu {
  /** `textChanged()` is called when other subtitles, or none, were chosen. */
  constructor(video, textChanged) {
    Object.assign(this, { video, textChanged });
    this.engine = null;
    this.quality = choice("quality", "Quality", (id) => { this.engine.quality = id; prefer("quality", this.labelOf(this.engine.qualities(), id)); this.update(); });
    this.speed = choice("speed", "Speed", (rate) => this.setSpeed(Number(rate)));
    this.sound = choice("sound", "Sound", (id) => { this.engine.sound = id; });
    this.text = choice("text", "Subtitles", (id) => this.setText(id));
    this.element = el("div", { class: "menu", id: "player-menu", role: "group", "aria-label": "Settings", hidden: true }, [this.quality, this.speed, this.sound, this.text].map(({ element }) => element));
    fill(this.speed.select, SPEEDS.map((rate) => ({ id: String(rate), label: rate === 1 ? "Normal" : `${rate} ×` })), "1");
    video.addEventListener("ratechange", () => { this.speed.select.value = String(video.playbackRate); });
    this.setSpeed(preference("speed", 1));
  }

  labelOf(choices, id) {
    return choices.find((each) => each.id === id)?.label ?? "";
  }

  setSpeed(rate) {
    this.video.defaultPlaybackRate = rate; // loading a source sets the rate to this
    this.video.playbackRate = rate;
    prefer("speed", rate);
  }

  /** One step faster or slower. */
  stepSpeed(direction) {
    const at = SPEEDS.indexOf(this.video.playbackRate);
    this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at < 0 ? 2 : at) + direction))]);
    return this.video.playbackRate;
  }

  setText(id) {
    this.engine.text = id;
    prefer("text", this.engine.texts().find((each) => each.id === id)?.language ?? "");
    this.update();
    this.textChanged();
  }

  /** Subtitles on or off. The label of those that are shown now. */
  toggleText() {
    const texts = this.engine.texts();
    if (!texts.length) return null;
    this.setText(this.engine.text === "" ? texts[0].id : "");
    return this.labelOf(texts, this.engine.text);
  }

  /** What the viewer chose the last time, as far as this film has it. */
  restore() {
    const { engine } = this;
    const quality = engine.qualities().find(({ label }) => label === preference("quality", ""));
    if (quality && engine.quality === "auto") engine.quality = quality.id;
    const wanted = preference("text", "");
    const text = wanted && engine.texts().find(({ language }) => language === wanted);
    if (text && engine.text === "") engine.text = text.id;
  }

  /** Show what the engine has now. */
  update() {
    const { engine } = this;
    if (!engine) return;
    const [qualities, sounds, texts] = [engine.qualities(), engine.sounds(), engine.texts()];
    const auto = engine.current && engine.quality === "auto" ? `Auto (${engine.current})` : "Auto";
    fill(this.quality.select, [{ id: "auto", label: auto }, ...qualities], engine.quality);
    fill(this.sound.select, sounds, engine.sound);
    fill(this.text.select, [{ id: "", label: "Off" }, ...texts.map(({ id, label }) => ({ id, label }))], engine.text);
    this.quality.element.hidden = qualities.length === 0;
    this.sound.element.hidden = sounds.length < 2;
    this.text.element.hidden = texts.length === 0;
  }
}
