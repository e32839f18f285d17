// The panel to upload a film with.

import { el, icon, say, show } from "../dom.js";
import { field, form, textInput } from "../forms.js";
import { bytes, duration } from "./format.js";
import { discard, unfinished, UploadJob } from "./upload-job.js";

const TITLE_MAX = 150;
const TYPES = "video/*,audio/*,.mkv,.mov,.mp4,.m4v,.webm,.avi,.flv,.ts,.mts,.m2ts,.mpg,.mpeg,.vob,.ogv";

/** A title from a file's name. */
function titleOf(name) {
  return name.replace(/\.[^.]+$/, "").replaceAll(/[_.]+/g, " ").trim().slice(0, TITLE_MAX) || name;
}

export function detailFields(values = {}) {
  return [
    field("Title", textInput("title", { value: values.title ?? "", maxLength: TITLE_MAX })),
    field("Description", el("textarea", { name: "description", value: values.description ?? "" })),
    field("Category", textInput("category", { required: false, value: values.category ?? "", maxLength: 50, list: "categories", autocomplete: "off" })),
  ];
}

export class UploadPanel {
  /** `added(videoId)` is called when a film is in. */
  constructor(added) {
    this.added = added;
    this.place = el("div", { class: "upload" });
    this.element = el("section", { class: "card panel", "aria-labelledby": "upload-title" }, el("h2", { id: "upload-title" }, "Upload a film"), this.place);
    this.choose();
  }

  /** The first step: a file. `note` says how the last one ended. */
  async choose(note = null) {
    const input = el("input", { type: "file", id: "upload-file", class: "hidden-text", accept: TYPES, on: { change: () => this.chosen(input.files[0]) } });
    const drop = el("label", { class: "drop", htmlFor: "upload-file" }, icon("upload"), el("span", { class: "drop-title" }, "Choose a film, or drop it here"), el("span", { class: "hint" }, "Of any size. An upload that breaks off goes on where it was."));
    const hold = (event) => {
      event.preventDefault();
      drop.classList.toggle("over-it", event.type === "dragover");
    };
    for (const name of ["dragover", "dragleave"]) drop.addEventListener(name, hold);
    drop.addEventListener("drop", (event) => {
      hold(event);
      this.chosen(event.dataTransfer.files[0]);
    });
    const rest = el("div", { class: "unfinished" });
    show(this.place, note, input, drop, rest);
    await this.showUnfinished(rest);
  }

  async showUnfinished(place) {
    const found = await unfinished().catch(() => []);
    if (!found.length) return;
    const items = found.map((previous) => {
      const { filename, title } = previous.metadata;
      const drop = el("button", { type: "button", class: "small", "aria-label": `Discard ${filename}`, on: { click: async () => { await discard(previous); this.choose(); } } }, "Discard");
      return el("li", {}, el("span", {}, `${title || filename} (${filename}, ${bytes(previous.size)})`), drop);
    });
    show(place, el("p", {}, "Not finished: choose the same file again, and it goes on."), el("ul", {}, items));
  }

  async chosen(file) {
    if (!file) return;
    let job;
    try {
      job = await UploadJob.of(file, {
        progress: (now) => this.progress(now),
        done: (id) => this.done(file, id),
        failed: (problem) => this.failed(problem),
      });
    } catch (problem) {
      this.choose(el("p", { class: "notice bad", role: "alert" }, problem.message));
      return;
    }
    this.job = job;
    const previous = await job.previous();
    if (previous) this.run(file, previous.metadata, previous);
    else this.ask(file);
  }

  ask(file) {
    const made = form(detailFields({ title: titleOf(file.name) }), {
      button: "Upload",
      submit: (values) => this.run(file, values, null),
    });
    made.querySelector(".actions").append(el("button", { type: "button", on: { click: () => this.choose() } }, "Choose another file"));
    show(this.place, el("p", { class: "file" }, `${file.name} · ${bytes(file.size)}`), made);
    made.elements.namedItem("title").focus();
  }

  run(file, { title = "", description = "", category = "" }, previous) {
    this.bar = el("progress", { max: Math.max(1, file.size), value: 0, "aria-label": `Upload of ${title}` });
    this.state = el("p", { class: "hint", id: "upload-state" }, previous ? "Going on where it was …" : "Beginning …");
    this.wrong = el("p", { class: "notice bad", role: "alert", hidden: true });
    this.holdButton = el("button", { type: "button", on: { click: () => this.hold() } }, "Pause");
    const cancel = el("button", { type: "button", class: "quiet", on: { click: () => this.cancel() } }, "Cancel the upload");
    show(this.place, el("p", { class: "file" }, title), this.bar, this.state, this.wrong, el("div", { class: "actions" }, this.holdButton, cancel));
    this.isHeld = false;
    this.tenth = 0;
    this.job.start({ title, description, category }, previous);
    this.holdButton.focus();
    say(previous ? "The upload goes on where it was." : "The upload has begun.");
  }

  progress({ sent, total, speed, left }) {
    if (this.isHeld) return;
    this.bar.value = sent;
    const percent = total ? Math.floor((100 * sent) / total) : 100;
    const parts = [`${percent} %`, `${bytes(sent)} of ${bytes(total)}`];
    if (speed) parts.push(`${bytes(speed)}/s`);
    if (left !== null && sent < total) parts.push(`${duration(left)} left`);
    if (sent >= total) parts.push("looking at the film …");
    this.state.textContent = parts.join(" · ");
    const tenth = Math.floor(percent / 10);
    if (tenth > this.tenth) say(`${percent} percent uploaded`);
    this.tenth = tenth;
  }

  async hold() {
    this.isHeld = !this.isHeld;
    this.wrong.hidden = true;
    this.holdButton.textContent = this.isHeld ? "Resume" : "Pause";
    if (this.isHeld) {
      this.state.textContent += " · paused";
      await this.job.pause();
    } else {
      this.job.resume();
    }
  }

  async cancel() {
    await this.job.cancel();
    this.choose(el("p", { class: "notice", role: "status" }, "The upload was cancelled."));
  }

  async failed(problem) {
    if ([400, 404, 410, 413].includes(problem.status)) {
      await this.job.forget(); // there is nothing to go on with
      this.choose(el("p", { class: "notice bad", role: "alert" }, problem.message));
      return;
    }
    this.isHeld = true;
    this.holdButton.textContent = "Resume";
    this.wrong.textContent = `${problem.message} What has arrived is kept.`;
    this.wrong.hidden = false;
  }

  done(file, id) {
    this.choose(el("p", { class: "notice good", role: "status" }, `${file.name} is uploaded, and will be encoded.`));
    this.added(id);
  }
}
