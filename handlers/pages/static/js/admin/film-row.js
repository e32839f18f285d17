// One film in the table: drawn once, then changed in place, so that the focus stays where it is.

import { clock, el, show } from "../dom.js";
import { bytes, duration, moment } from "./format.js";

const STATES = { pending: "Waiting", processing: "Encoding", ready: "Ready", failed: "Failed" };
const STAGES = { probe: "looking at it", plan: "planning", encode: "encoding", join: "joining", verify: "checking" };

function cell(name, ...children) {
  return el("td", { role: "cell", class: name }, children);
}

export class FilmRow {
  /** `actions`: preview, edit, retry, cancel, again, remove; each gets the record. */
  constructor(film, actions) {
    this.actions = actions;
    this.made = {}; // buttons by their action
    this.image = el("img", { alt: "", loading: "lazy", width: 128, height: 72 });
    this.title = el("span", { class: "row-title" });
    this.about = el("span", { class: "hint" });
    this.state = el("span", { class: "state" });
    this.bar = el("progress", { max: 100 });
    this.note = el("span", { class: "hint" });
    this.added = el("span", { class: "hint" });
    this.facts = el("span", { class: "hint" });
    this.buttons = el("div", { class: "row-actions" });
    const heading = el("th", { role: "rowheader", scope: "row", class: "title" }, this.title, this.about);
    this.element = el("tr", { role: "row" }, cell("picture", this.image), heading, cell("status", this.state, this.bar, this.note), cell("facts", this.added, this.facts), cell("do", this.buttons));
    this.update(film);
  }

  /** Answers and events may overtake each other: an older state than the one shown changes nothing. */
  update(film) {
    if (this.film && Date.parse(film.updated_at) < Date.parse(this.film.updated_at)) return;
    this.film = film;
    const status = film.processing_status;
    const isReady = status === "ready";
    this.element.dataset.id = film.id;
    this.element.dataset.status = status;
    this.picture(film, isReady || film.has_own_thumbnail);
    this.title.textContent = film.title;
    this.about.textContent = film.category;
    this.state.textContent = STATES[status] ?? status;
    this.bar.hidden = status !== "processing";
    this.bar.value = film.progress;
    this.bar.setAttribute("aria-label", `Encoding ${film.title}`);
    this.note.textContent = this.told(film);
    const facts = [film.duration ? clock(film.duration) : "", film.source_size ? bytes(film.source_size) : ""].filter(Boolean);
    this.facts.textContent = facts.join(" · ");
    this.added.textContent = moment(film.created_at);
    this.showButtons(film);
  }

  /** The picture may change under its address: the time of the record tells them apart. */
  picture(film, isThere) {
    const address = isThere ? `${new URL(film.thumbnail_url, location.href).pathname}?t=${Date.parse(film.updated_at)}` : "";
    if (this.address === address) return;
    this.address = address;
    this.image.hidden = !address;
    if (address) this.image.src = address;
  }

  told(film) {
    if (film.processing_status === "failed") return film.processing_error;
    if (film.processing_status === "pending" && film.last_failure) {
      const next = film.next_attempt_at ? ` Tried again ${moment(film.next_attempt_at)}.` : "";
      return `${film.last_failure}${next}`;
    }
    if (film.processing_status !== "processing") return "";
    const parts = [`${film.progress} %`, STAGES[film.stage] ?? film.stage];
    if (film.speed) parts.push(`${film.speed.toFixed(1)} ×`);
    if (film.seconds_left !== null) parts.push(`${duration(film.seconds_left)} left`);
    return parts.filter(Boolean).join(" · ");
  }

  showButtons(film) {
    const status = film.processing_status;
    const wanted = [
      status === "ready" && ["Preview", "preview"],
      ["Edit", "edit"],
      film.can_retry && ["Retry", "retry"],
      ["pending", "processing"].includes(status) && ["Cancel", "cancel"],
      ["Delete", "remove"],
    ].filter(Boolean);
    const had = this.buttons.contains(document.activeElement);
    const buttons = wanted.map(([label, action]) => this.button(label, action));
    for (const [index, [label]] of wanted.entries()) buttons[index].setAttribute("aria-label", `${label} ${film.title}`);
    const key = wanted.join();
    if (this.key === key) return;
    this.key = key;
    const focused = document.activeElement;
    show(this.buttons, buttons);
    if (had) (buttons.includes(focused) ? focused : buttons[0]).focus();
  }

  /** Always the same one: dialogs give the focus back to it. */
  button(label, action) {
    this.made[action] ??= el("button", { type: "button", class: "small", on: { click: () => this.actions[action](this.film) } }, label);
    return this.made[action];
  }
}
