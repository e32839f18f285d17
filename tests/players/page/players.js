// Players behind one interface, for tests that drive this page: window.films.
"use strict";

const video = document.querySelector("video");
const errors = [];
const segments = []; // [kind, start in seconds] of what a player has put into its buffers
// What hls.js says when a busy machine decodes too slowly; where there is a gap it says that too.
const WAITING = [Hls.ErrorDetails.BUFFER_STALLED_ERROR, Hls.ErrorDetails.BUFFER_NUDGE_ON_STALL];
const waits = [];
const cues = new Map(); // every cue that was in a text track at any time, by its own description
const until = (target, name) =>
  new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));

addEventListener("error", (event) => errors.push(`page: ${event.message}`));
addEventListener("unhandledrejection", (event) => errors.push(`page: ${event.reason}`));
video.addEventListener("error", () => errors.push(`video: ${video.error.message}`));

class HlsJs {
  version = Hls.version;

  async load(url) {
    this.hls = new Hls({
      startLevel: 0,
      xhrSetup: (request) => {
        request.withCredentials = true;
      },
    });
    this.hls.on(Hls.Events.ERROR, (_, data) => {
      const text = `hls.js: ${data.details} ${data.error?.message ?? ""} fatal=${data.fatal}`;
      (WAITING.includes(data.details) && !data.fatal ? waits : errors).push(text);
    });
    this.hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => {
      if (frag.sn !== "initSegment") segments.push([frag.type, frag.start]);
    });
    this.hls.attachMedia(video);
    this.hls.loadSource(url);
  }

  heights() {
    return this.hls.levels.map((level) => level.height);
  }

  chooseHeight(height) {
    this.hls.nextLevel = this.heights().indexOf(height);
  }

  sounds() {
    return this.hls.audioTracks.map((track) => track.lang);
  }

  async chooseSound(language) {
    const switched = new Promise((resolve) =>
      this.hls.once(Hls.Events.AUDIO_TRACK_SWITCHED, resolve),
    );
    this.hls.audioTrack = this.sounds().indexOf(language);
    await switched;
  }

  sound() {
    return this.sounds()[this.hls.audioTrack];
  }

  texts() {
    return this.hls.subtitleTracks.map((track) => track.lang);
  }

  chooseText(language) {
    this.hls.subtitleDisplay = true;
    this.hls.subtitleTrack = this.texts().indexOf(language);
  }
}

class Shaka {
  version = shaka.Player.version;

  async load(url) {
    shaka.polyfill.installAll();
    this.player = new shaka.Player();
    this.player.configure({ abr: { enabled: false } });
    this.player.addEventListener("error", ({ detail }) => {
      errors.push(`shaka: ${detail.severity} ${detail.code} ${detail.data}`);
    });
    this.player.addEventListener("segmentappended", (event) => {
      segments.push([event.contentType, event.start]);
    });
    this.player.getNetworkingEngine().registerRequestFilter((_, request) => {
      request.allowCrossSiteCredentials = true;
    });
    await this.player.attach(video);
    await this.player.load(url);
    this.chooseHeight(Math.min(...this.heights()));
  }

  heights() {
    return this.player.getVideoTracks().map((track) => track.height);
  }

  chooseHeight(height) {
    const track = this.player.getVideoTracks().find((other) => other.height === height);
    if (!track.active) this.player.selectVideoTrack(track, true, 2);
  }

  sounds() {
    return this.player.getAudioTracks().map((track) => track.language);
  }

  async chooseSound(language) {
    const track = this.player.getAudioTracks().find((other) => other.language === language);
    this.player.selectAudioTrack(track);
  }

  sound() {
    return this.player.getAudioTracks().find((track) => track.active).language;
  }

  texts() {
    return this.player.getTextTracks().map((track) => track.language);
  }

  chooseText(language) {
    const track = this.player.getTextTracks().find((other) => other.language === language);
    this.player.selectTextTrack(track);
  }
}

// Chromium's own HLS: nothing can be chosen.
class Native {
  version = navigator.userAgent.match(/Chrome\/([\d.]+)/)[1];

  async load(url) {
    video.crossOrigin = "use-credentials";
    video.src = url;
  }

  heights() {
    return [];
  }

  sounds() {
    return [];
  }

  texts() {
    return [];
  }
}

function ranges() {
  return Array.from(video.buffered, (_, n) => [video.buffered.start(n), video.buffered.end(n)]);
}

// Players take cues away again with the part of their buffers that they belong to.
function noteCues() {
  for (const track of video.textTracks) {
    for (const { startTime, endTime, text } of track.cues ?? []) {
      cues.set(`${startTime} ${endTime} ${text}`, [startTime, endTime, text]);
    }
  }
}

const within = (seconds, promise, what) =>
  Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(new Error(what)), seconds * 1000)),
  ]);

window.films = {
  errors,
  waits,
  segments,

  async signIn(api, email, password) {
    const answer = await fetch(`${api}login/`, {
      method: "POST",
      credentials: "include",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email, password }),
    });
    return answer.status;
  },

  async load(name, url, caption) {
    document.querySelector("p").textContent = caption;
    this.player = new { HlsJs, Shaka, Native }[name]();
    const ready = until(video, "canplay");
    await this.player.load(url);
    await ready;
    const { player } = this;
    return {
      version: player.version,
      duration: video.duration,
      heights: player.heights(),
      sounds: player.sounds(),
      texts: player.texts(),
    };
  },

  // From where the film stands to its end. `choices` are [seconds, what, value], made on the way.
  async play(rate, choices) {
    const waiting = [...choices];
    const seen = { times: [], sizes: [], pictures: 0 };
    const note = () => {
      seen.times.push(video.currentTime);
      noteCues();
      while (waiting.length && video.currentTime >= waiting[0][0]) {
        const [, what, value] = waiting.shift();
        this.player[what](value);
      }
    };
    const look = () => {
      seen.pictures += 1;
      const size = `${video.videoWidth}x${video.videoHeight}`;
      if (seen.sizes.at(-1) !== size) seen.sizes.push(size);
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    video.addEventListener("timeupdate", note);
    video.playbackRate = rate;
    const ended = until(video, "ended");
    await video.play();
    await Promise.race([ended, until(video, "error")]);
    video.removeEventListener("timeupdate", note);
    seen.ended = video.ended;
    seen.cues = [...cues.values()];
    seen.ranges = ranges();
    seen.soundBytes = video.webkitAudioDecodedByteCount;
    seen.sound = seen.ended && this.player.sounds().length ? this.player.sound() : null;
    return seen;
  },

  // Stand still there. The picture is a PNG of what the element shows, as a data URL.
  async show(time) {
    video.pause();
    const sought = until(video, "seeked");
    const shown = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    video.currentTime = time;
    await within(30, Promise.all([sought, shown]), `nothing is shown at ${time}`);
    noteCues();
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    return { time: video.currentTime, picture: canvas.toDataURL("image/png") };
  },
};
