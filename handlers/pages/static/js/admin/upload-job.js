// One upload by tus (tus.io, protocol 1.0.0), through tus-js-client: in pieces that the server has
// safely when it answers, resumed after a pause, a broken line, or in another visit.

import { loadScript } from "../dom.js";
import { Problem, sentences } from "../problems.js";
import { csrfToken, expire, fresh } from "../session.js";
import { FormJob } from "./form-job.js";
import { Pace } from "./pace.js";

const PIECE = 64 * 1024 * 1024; // bytes; proxies in between hold no more than that
const PAUSES = [0, 1000, 3000, 5000, 10000, 20000, 30000]; // milliseconds between tries
const ENDPOINT = "/api/admin/uploads/";

let loading = null;

/** Whether the server has tus-js-client, without which films go up in one piece. */
export function canResume() {
  return Boolean(document.body.dataset.tusUrl);
}

function tusLibrary() {
  loading ??= loadScript(document.body.dataset.tusUrl).then(() => window.tus).catch(() => {
    loading = null; // the next try may have more luck
    throw new Problem("unloaded", { message: "What sends films could not be loaded. Choose the film again." });
  });
  return loading;
}

/** What this browser has begun and not finished: tus-js-client's own notes. */
export async function unfinished() {
  if (!canResume()) return [];
  const tus = await tusLibrary();
  return tus.defaultOptions.urlStorage.findAllUploads();
}

/** Forget an unfinished upload, on the server and then here. Rejects with a Problem where it may still
 *  be there: what is listed can be discarded again. */
export async function discard(previous) {
  const tus = await tusLibrary();
  try {
    await tus.Upload.terminate(previous.uploadUrl, {
      retryDelays: PAUSES.slice(0, 3),
      onBeforeRequest: sign,
      onAfterResponse: noticeEnd,
      onShouldRetry: (error) => [401, 423].includes(statusOf(error)), // 423: a piece still arrives
    });
  } catch (error) {
    if (![404, 410].includes(statusOf(error))) throw problemOf(error);
  }
  localStorage.removeItem(previous.urlStorageKey);
}

async function sign(request) {
  await fresh().catch(() => {}); // the answer will tell
  request.setHeader("X-CSRFToken", csrfToken());
}

function noticeEnd(request, response) {
  if (response.getStatus() === 401) expire();
}

// tus-js-client takes every other answer for an upload that is gone, and begins anew at byte 0: also
// that of a proxy whose server restarts, or of a session that has ended.
function saysHowFar(status) {
  return (status >= 200 && status < 300) || [404, 410, 423].includes(status);
}

class Refused extends Error {
  constructor(status) {
    super(`The server answered ${status}.`);
    this.status = status;
  }
}

/** Of an answer; 0 where there was none. */
function statusOf(error) {
  return error.originalResponse?.getStatus() ?? error.causingError?.status ?? 0;
}

function problemOf(error) {
  const status = statusOf(error);
  if (status === 401) return new Problem("signed-out", { status });
  if (status === 403) return new Problem("forbidden", { status });
  if (!status) return new Problem("unreachable");
  let body = {};
  try {
    body = JSON.parse(error.originalResponse.getBody());
  } catch {
    // No JSON: the status alone tells what is wrong.
  }
  return new Problem("invalid", { status, fields: body, message: sentences(body) });
}

export class UploadJob {
  /** `listener`: progress({sent, total, speed, left}), done(videoId), failed(Problem). */
  constructor(tus, file, listener) {
    Object.assign(this, { tus, file, listener, canPause: true });
    this.pace = new Pace();
    this.videoId = null;
  }

  /** The best way that there is to upload `file`. Rejects with a Problem. */
  static async of(file, listener) {
    return canResume() ? new UploadJob(await tusLibrary(), file, listener) : new FormJob(file, listener);
  }

  /** What was begun with this very file, the latest first. */
  async previous() {
    const probe = new this.tus.Upload(this.file, { endpoint: this.endpoint });
    const found = await probe.findPreviousUploads();
    return found.sort((a, b) => b.creationTime.localeCompare(a.creationTime))[0] ?? null;
  }

  get endpoint() {
    return new URL(ENDPOINT, location.href).href;
  }

  /** Whether the server has it, as far as it has arrived. */
  get isKept() {
    return Boolean(this.upload?.url);
  }

  start(metadata, previous) {
    this.upload = new this.tus.Upload(this.file, {
      endpoint: this.endpoint,
      chunkSize: PIECE,
      retryDelays: PAUSES,
      metadata: { filename: this.file.name, filetype: this.file.type, ...metadata },
      removeFingerprintOnSuccess: true,
      onBeforeRequest: sign,
      onAfterResponse: (request, response) => {
        noticeEnd(request, response);
        const status = response.getStatus();
        if (request.getMethod() === "HEAD" && !saysHowFar(status)) throw new Refused(status);
        this.videoId = response.getHeader("Videoflix-Video-Id") ?? this.videoId;
      },
      onShouldRetry: (error) => {
        if (error.causingError instanceof Refused) return true; // ask again how far it is
        const status = statusOf(error);
        return !status || [401, 408, 409, 423, 429, 460].includes(status) || (status >= 500 && status !== 507);
      },
      onProgress: (sent, total) => this.listener.progress(this.pace.at(sent, total)),
      onSuccess: () => this.listener.done(Number(this.videoId) || null),
      onError: (error) => this.listener.failed(problemOf(error)),
    });
    if (previous) this.upload.resumeFromPreviousUpload(previous);
    this.resume();
  }

  pause() {
    return this.upload.abort();
  }

  resume() {
    this.pace = new Pace();
    this.upload.start();
  }

  /** Stop for good; the server forgets what it has. */
  cancel() {
    return this.upload.abort(true).catch(() => {});
  }

  /** Nothing is to be resumed: the server has forgotten it. */
  async forget() {
    const previous = await this.previous();
    if (previous) localStorage.removeItem(previous.urlStorageKey);
  }
}
