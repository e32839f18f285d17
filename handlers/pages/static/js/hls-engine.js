// Playing through hls.js: CMAF, every quality, sound and subtitle can be chosen.

import { expire, fresh } from "./session.js";
import { Recovery } from "./recovery.js";

const TRIES = 3; // of one request that was refused for its token

/** The policy of hls.js, but a refused token is replaced and the request repeated. */
function patient(policy) {
  const retry = policy.default.errorRetry;
  const shouldRetry = (config, count, isTimeout, response, usual) => {
    if (response?.code !== 401) return usual;
    expire();
    return count < TRIES;
  };
  const errorRetry = { ...retry, maxNumRetry: Math.max(retry.maxNumRetry, TRIES), shouldRetry };
  return { default: { ...policy.default, errorRetry } };
}

const language = (track) => track.name || track.lang || "Track";

export class HlsEngine {
  constructor(Hls, video, film, listener) {
    this.Hls = Hls;
    this.video = video;
    this.url = `/api/video/${film.id}/cmaf/master.m3u8`;
    this.listener = listener;
    this.hls = null;
    this.recovery = new Recovery(video, (at) => this.load(at), listener, this.url);
    this.chosen = { quality: "auto", sound: null, text: "" };
  }

  load(at) {
    this.hls?.destroy();
    const defaults = this.Hls.DefaultConfig;
    const hls = new this.Hls({
      startPosition: at > 0 ? at : -1,
      workerPath: document.body.dataset.hlsWorker || null,
      capLevelToPlayerSize: true,
      maxMaxBufferLength: 60,
      backBufferLength: 60,
      // Every request of the player, too, goes out with a token that is good for a while. What
      // cannot be refreshed goes out all the same: its answer says what is wrong.
      xhrSetup: () => fresh().catch(() => {}),
      manifestLoadPolicy: patient(defaults.manifestLoadPolicy),
      playlistLoadPolicy: patient(defaults.playlistLoadPolicy),
      fragLoadPolicy: patient(defaults.fragLoadPolicy),
    });
    this.hls = hls;
    this.mended = 0;
    const { Events } = this.Hls;
    hls.on(Events.ERROR, (_, data) => this.failed(data));
    hls.on(Events.FRAG_BUFFERED, () => this.recovery.succeeded());
    hls.on(Events.MANIFEST_PARSED, () => this.restore());
    for (const event of [Events.MANIFEST_PARSED, Events.LEVEL_SWITCHED, Events.AUDIO_TRACKS_UPDATED, Events.AUDIO_TRACK_SWITCHED, Events.SUBTITLE_TRACKS_UPDATED, Events.SUBTITLE_TRACK_SWITCH]) {
      hls.on(event, () => this.listener.tracks());
    }
    hls.on(Events.SUBTITLE_TRACKS_UPDATED, () => { this.text = this.chosen.text; });
    hls.on(Events.AUDIO_TRACKS_UPDATED, () => { if (this.chosen.sound !== null) this.sound = this.chosen.sound; });
    hls.loadSource(this.url);
    hls.attachMedia(this.video);
  }

  destroy() {
    this.recovery.stop();
    this.hls?.destroy();
    this.hls = null;
  }

  /** What was chosen before the source was loaded anew. */
  restore() {
    if (this.chosen.quality !== "auto") this.quality = this.chosen.quality;
  }

  failed(data) {
    if (!data.fatal) return;
    const { ErrorTypes } = this.Hls;
    if (data.type === ErrorTypes.MEDIA_ERROR && (this.mended += 1) <= 2) {
      this.hls.recoverMediaError();
      return;
    }
    this.hls.stopLoad();
    this.recovery.failed();
  }

  qualities() {
    const levels = (this.hls?.levels ?? []).map((level, index) => ({ id: String(index), size: Math.min(level.width, level.height) || 0 }));
    return levels.sort((a, b) => b.size - a.size).map(({ id, size }) => ({ id, label: size ? `${size}p` : `Quality ${id}` }));
  }

  get quality() {
    return this.chosen.quality;
  }

  set quality(id) {
    this.chosen.quality = id;
    if (this.hls) this.hls.nextLevel = id === "auto" ? -1 : Number(id);
  }

  /** The label of what plays now. */
  get current() {
    const index = String(this.hls?.currentLevel ?? -1);
    return this.qualities().find(({ id }) => id === index)?.label ?? "";
  }

  sounds() {
    return (this.hls?.audioTracks ?? []).map((track, index) => ({ id: String(index), label: language(track) }));
  }

  get sound() {
    return String(this.hls?.audioTrack ?? "");
  }

  set sound(id) {
    this.chosen.sound = id;
    if (this.hls && this.hls.audioTracks[Number(id)]) this.hls.audioTrack = Number(id);
  }

  texts() {
    return (this.hls?.subtitleTracks ?? []).map((track, index) => ({ id: String(index), label: language(track), language: track.lang }));
  }

  get text() {
    return this.chosen.text;
  }

  set text(id) {
    this.chosen.text = id;
    if (!this.hls) return;
    this.hls.subtitleDisplay = id !== "";
    this.hls.subtitleTrack = id === "" ? -1 : Number(id);
  }
}
