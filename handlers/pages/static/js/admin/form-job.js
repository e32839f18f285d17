// One upload by a form in one piece, where the server has no tus-js-client: it cannot be paused, and
// begins anew when it breaks off.

import { Problem, sentences, unreachable } from "../problems.js";
import { csrfToken, expire, fresh } from "../session.js";
import { Pace } from "./pace.js";

function problemOf({ status, responseText }) {
  if (status === 401) {
    expire();
    return new Problem("signed-out", { status });
  }
  if (status === 403) return new Problem("forbidden", { status });
  let body = {};
  try {
    body = JSON.parse(responseText);
  } catch {
    // No JSON: the status alone tells what is wrong.
  }
  return new Problem("invalid", { status, fields: body, message: sentences(body) });
}

/** The face of UploadJob. */
export class FormJob {
  constructor(file, listener) {
    Object.assign(this, { file, listener, canPause: false, isKept: false });
  }

  async previous() {
    return null;
  }

  start(metadata) {
    this.metadata = metadata;
    return this.resume();
  }

  /** From the beginning: nothing of the last try is kept. */
  async resume() {
    const form = new FormData();
    for (const [name, value] of Object.entries(this.metadata)) form.append(name, value);
    form.append("file", this.file, this.file.name);
    const request = (this.request = new XMLHttpRequest()); // fetch does not tell how far it is
    const pace = new Pace();
    request.upload.addEventListener("progress", ({ loaded, total }) => this.listener.progress(pace.at(loaded, total)));
    request.addEventListener("error", () => this.listener.failed(unreachable()));
    request.addEventListener("load", () => {
      if (request.status === 201) this.listener.done(JSON.parse(request.responseText).id);
      else this.listener.failed(problemOf(request));
    });
    try {
      await fresh();
    } catch (problem) {
      this.listener.failed(problem);
      return;
    }
    request.open("POST", "/api/admin/videos/");
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.send(form);
  }

  async pause() {
    this.request?.abort();
  }

  async cancel() {
    this.request?.abort();
  }

  async forget() {
    // Nothing is kept.
  }
}
