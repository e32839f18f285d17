// The panel to upload a film with.

import { el, icon, say, show } from "../dom.js";
import { field, form, showProblem, textInput } from "../forms.js";
import { toast, toastProblem } from "../toast.js";
import { bytes, duration } from "./format.js";
import { canResume, discard, unfinished, UploadJob } from "./upload-job.js";

// What the API takes of each, in characters.
const TITLE_MAX = 150;
const DESCRIPTION_MAX = 5000;
const CATEGORY_MAX = 50;
const TYPES = "video/*,audio/*,.mkv,.mov,.mp4,.m4v,.webm,.avi,.flv,.ts,.mts,.m2ts,.mpg,.mpeg,.vob,.ogv";

/** A title from a file's name. */
function titleOf(name) {
  return name.replace(/\.[^.]+$/, "").replaceAll(/[_.]+/g, " ").trim().slice(0, TITLE_MAX) || name;
}

export function detailFields(values = {}) {
  return [
    field("Title", textInput("title", { value: values.title ?? "", maxLength: TITLE_MAX })),
    field("Description", el("textarea", { name: "description", value: values.description ?? "", maxLength: DESCRIPTION_MAX })),
    field("Category", textInput("category", { required: false, value: values.category ?? "", maxLength: CATEGORY_MAX, list: "categories", autocomplete: "off" })),
  ];
}

const ANY_SIZE = "Of any size. An upload that breaks off goes on where it was.";
const ONE_PIECE = "It is sent in one piece: an upload that breaks off begins anew.";
const NOT_INSTALLED = "Uploads cannot be paused here: tus-js-client is not installed on this server. Whoever runs it installs that with npm and “make”.";

export class UploadPanel {
  /** `listener`: added(videoId) is called when a film is in, changed() when it begins, ends, pauses
   *  or gets on by a hundredth. One panel lives as long as its admin is signed in, whether it is
   *  shown or not. */
  constructor(listener) {
    this.listener = listener;
    this.job = null; // the upload that has begun
    this.isHeld = false;
    this.isSignedOut = false; // which held it
    this.percent = 0;
    this.place = el("div", { class: "upload" });
    this.element = el("section", { class: "card panel", "aria-labelledby": "upload-title" }, el("h2", { id: "upload-title" }, "Upload a film"), this.place);
    this.choose();
  }

  /** Whether bytes go to the server now. */
  get isRunning() {
    return this.job !== null && !this.isHeld;
  }

  /** What there is to say of it in a word or two; empty without an upload. */
  get summary() {
    if (!this.job) return "";
    return this.isHeld ? "paused" : `${this.percent} %`;
  }

  /** The admin is back after the session had ended. */
  goOn() {
    if (this.job && this.isHeld && this.isSignedOut) this.hold();
  }

  /** The admin has left: what has arrived is kept. */
  stop() {
    if (this.isRunning) this.job.pause();
    this.job = null;
  }

  /** The first step: a file. `note` says how the last one ended. */
  async choose(note = null) {
    this.job = null;
    this.listener.changed();
    const input = el("input", { type: "file", id: "upload-file", class: "hidden-text", accept: TYPES, on: { change: () => this.chosen(input.files[0]) } });
    const drop = el("label", { class: "drop", htmlFor: "upload-file" }, icon("upload"), el("span", { class: "drop-title" }, "Choose a film, or drop it here"), el("span", { class: "hint" }, canResume() ? ANY_SIZE : ONE_PIECE));
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
    const hadFocus = this.place.contains(document.activeElement);
    const missing = canResume() ? null : el("p", { class: "notice" }, NOT_INSTALLED);
    show(this.place, note, missing, input, drop, rest);
    if (hadFocus) input.focus();
    await this.showUnfinished(rest);
  }

  async showUnfinished(place) {
    const found = await unfinished().catch(() => []);
    if (!found.length) return;
    const items = found.map((previous) => {
      const { filename, title } = previous.metadata;
      const drop = el("button", { type: "button", class: "small", "aria-label": `Discard ${filename}`, on: { click: () => this.discard(previous, drop) } }, "Discard");
      return el("li", {}, el("span", {}, `${title || filename} (${filename}, ${bytes(previous.size)})`), drop);
    });
    show(place, el("p", {}, "Not finished: choose the same file again, and it goes on."), el("ul", {}, items));
  }

  /** What is shown besides stays as it is: another upload may have begun before the answer comes. */
  async discard(previous, button) {
    const place = button.closest(".unfinished");
    const hadFocus = button === document.activeElement;
    button.disabled = true;
    try {
      await discard(previous);
    } catch (problem) {
      button.disabled = false;
      if (hadFocus) button.focus();
      toastProblem(problem);
      return;
    }
    button.closest("li").remove();
    const next = place.querySelector("button:enabled");
    if (!place.querySelector("li")) show(place);
    if (hadFocus) (next ?? this.place.querySelector("#upload-file"))?.focus();
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
    const previous = await job.previous();
    if (previous) this.run(job, previous.metadata, previous);
    else this.ask(job, { title: titleOf(file.name) });
  }

  /** The second step: details. `problem` says what is wrong with these. */
  ask(job, details, problem = null) {
    const { file } = job;
    const made = form(detailFields(details), {
      button: "Upload",
      submit: (values) => this.run(job, values, null),
    });
    made.querySelector(".actions").append(el("button", { type: "button", on: { click: () => this.choose() } }, "Choose another file"));
    show(this.place, el("p", { class: "file" }, `${file.name} · ${bytes(file.size)}`), made);
    if (problem) showProblem(made, problem);
    else made.elements.namedItem("title").focus();
  }

  run(job, { title = "", description = "", category = "" }, previous) {
    const { file } = job;
    this.job = job;
    this.details = { title, description, category };
    this.bar = el("progress", { max: Math.max(1, file.size), value: 0, "aria-label": `Upload of ${title}` });
    this.state = el("p", { class: "hint", id: "upload-state" }, previous ? "Going on where it was …" : "Beginning …");
    this.wrong = el("p", { class: "notice bad", role: "alert", hidden: true });
    this.holdButton = el("button", { type: "button", hidden: !job.canPause, on: { click: () => this.hold() } }, "Pause");
    const cancel = el("button", { type: "button", class: "quiet", on: { click: () => this.cancel() } }, "Cancel the upload");
    show(this.place, el("p", { class: "file" }, title), this.bar, this.state, this.wrong, el("div", { class: "actions" }, this.holdButton, cancel));
    this.isHeld = false;
    this.percent = 0;
    job.start(this.details, previous);
    this.listener.changed();
    (job.canPause ? this.holdButton : cancel).focus();
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
    const before = this.percent;
    this.percent = percent;
    if (Math.floor(percent / 10) > Math.floor(before / 10)) say(`${percent} percent uploaded`);
    if (percent !== before) this.listener.changed();
  }

  async hold() {
    this.isHeld = !this.isHeld;
    this.isSignedOut = false;
    this.wrong.hidden = true;
    this.holdButton.textContent = this.isHeld ? "Resume" : "Pause";
    this.holdButton.hidden = !this.isHeld && !this.job.canPause;
    this.listener.changed();
    if (this.isHeld) {
      this.state.textContent += " · paused";
      await this.job.pause();
    } else {
      this.job.resume();
    }
  }

  async cancel() {
    const { job } = this;
    this.holdButton.hidden = true; // there will be nothing to go on with
    this.state.textContent = "Cancelling …";
    await job.cancel();
    if (this.job !== job) return; // pressed twice, or signed out
    this.choose(el("p", { class: "notice", role: "status" }, "The upload was cancelled."));
  }

  async failed(problem) {
    const { job } = this;
    if (!job) return; // given up meanwhile
    if (Object.keys(this.details).some((name) => name in problem.fields)) {
      this.job = null;
      this.listener.changed();
      this.ask(job, this.details, problem);
      this.tellElsewhere(problem);
      return;
    }
    if ([400, 404, 410, 413].includes(problem.status)) {
      await job.forget(); // there is nothing to go on with
      if (this.job !== job) return;
      this.choose(el("p", { class: "notice bad", role: "alert" }, problem.message));
      this.tellElsewhere(problem);
      return;
    }
    this.isHeld = true;
    this.isSignedOut = problem.kind === "signed-out";
    this.holdButton.hidden = false;
    this.holdButton.textContent = job.canPause ? "Resume" : "Try again";
    this.wrong.textContent = job.isKept ? `${problem.message} What has arrived is kept.` : problem.message;
    this.wrong.hidden = false;
    this.listener.changed();
    this.tellElsewhere(problem);
  }

  /** Where another view is shown, nobody sees what this one says. */
  tellElsewhere(problem) {
    if (!this.element.isConnected) toastProblem(problem);
  }

  done(file, id) {
    const text = `${file.name} is uploaded, and will be encoded.`;
    this.choose(el("p", { class: "notice good", role: "status" }, text));
    if (!this.element.isConnected) toast(text);
    this.listener.added(id);
  }
}
