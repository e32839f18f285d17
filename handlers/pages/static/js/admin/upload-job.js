// One upload by tus (tus.io, protocol 1.0.0), through tus-js-client: in pieces that the server has
// safely when it answers, resumed after a pause, a broken line, or in another visit.

import { loadScript } from "../dom.js";
import { Problem, sentences } from "../problems.js";
import { csrfToken, expire, fresh } from "../session.js";

const PIECE = 64 * 1024 * 1024; // bytes; proxies in between hold no more than that
const PAUSES = [0, 1000, 3000, 5000, 10000, 20000, 30000]; // milliseconds between tries
const WINDOW = 6000; // milliseconds over which the speed is measured
const ENDPOINT = "/api/admin/uploads/";

let loading = null;

export function tusLibrary() {
  const { tusUrl } = document.body.dataset;
  if (!tusUrl) return Promise.reject(new Problem("broken", { message: "Uploads need tus-js-client, which is not installed on the server (npm)." }));
  loading ??= loadScript(tusUrl).then(() => window.tus);
  return loading;
}

/** What this browser has begun and not finished: tus-js-client's own notes. */
export async function unfinished() {
  const tus = await tusLibrary();
  return tus.defaultOptions.urlStorage.findAllUploads();
}

/** Forget an unfinished upload, here and on the server. */
export async function discard(previous) {
  const tus = await tusLibrary();
  await fresh();
  localStorage.removeItem(previous.urlStorageKey);
  const headers = { "X-CSRFToken": csrfToken() };
  await tus.Upload.terminate(previous.uploadUrl, { headers, retryDelays: [] }).catch(() => {});
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
    Object.assign(this, { tus, file, listener });
    this.samples = [];
    this.videoId = null;
  }

  static async of(file, listener) {
    return new UploadJob(await tusLibrary(), file, listener);
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

  start(metadata, previous) {
    this.upload = new this.tus.Upload(this.file, {
      endpoint: this.endpoint,
      chunkSize: PIECE,
      retryDelays: PAUSES,
      metadata: { filename: this.file.name, filetype: this.file.type, ...metadata },
      removeFingerprintOnSuccess: true,
      onBeforeRequest: async (request) => {
        await fresh().catch(() => {});
        request.setHeader("X-CSRFToken", csrfToken());
      },
      onAfterResponse: (request, response) => {
        const status = response.getStatus();
        if (status === 401) expire();
        if (request.getMethod() === "HEAD" && !saysHowFar(status)) throw new Refused(status);
        this.videoId = response.getHeader("Videoflix-Video-Id") ?? this.videoId;
      },
      onShouldRetry: (error) => {
        if (error.causingError instanceof Refused) return true; // ask again how far it is
        const status = statusOf(error);
        return !status || [401, 408, 409, 423, 429, 460].includes(status) || (status >= 500 && status !== 507);
      },
      onProgress: (sent, total) => this.progress(sent, total),
      onSuccess: () => this.listener.done(Number(this.videoId) || null),
      onError: (error) => this.listener.failed(problemOf(error)),
    });
    if (previous) this.upload.resumeFromPreviousUpload(previous);
    this.resume();
  }

  pause() {
    this.samples = [];
    return this.upload.abort();
  }

  resume() {
    this.samples = [];
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

  progress(sent, total) {
    const now = performance.now();
    this.samples.push([now, sent]);
    while (this.samples.length > 2 && this.samples[0][0] < now - WINDOW) this.samples.shift();
    const [began, from] = this.samples[0];
    const speed = now > began ? ((sent - from) * 1000) / (now - began) : 0; // bytes a second
    this.listener.progress({ sent, total, speed, left: speed > 0 ? (total - sent) / speed : null });
  }
}
