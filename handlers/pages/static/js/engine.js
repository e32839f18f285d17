// How a film gets into the <video>: by hls.js wherever the browser has Media Source Extensions,
// by the browser itself elsewhere. Both engines look the same from outside:
//   qualities(), sounds(), texts(): [{id, label}];  quality, sound, text: what is chosen ("auto",
//   "" for none);  load(at), destroy();  and call  tracks()  and  problem(kind, retry).

import { loadScript } from "./dom.js";
import { HlsEngine } from "./hls-engine.js";
import { NativeEngine } from "./native-engine.js";

let loading = null;

function hlsLibrary() {
  const { hlsUrl, hlsIntegrity } = document.body.dataset;
  if (!hlsUrl) return Promise.resolve(null);
  loading ??= loadScript(hlsUrl, hlsIntegrity).then(() => window.Hls).catch(() => {
    loading = null; // the next film may have more luck
    return null;
  });
  return loading;
}

function hasMediaSource() {
  return Boolean(window.ManagedMediaSource || window.MediaSource);
}

/** The engine for this browser; null where nothing can play. */
export async function openEngine(video, film, listener) {
  if (hasMediaSource()) {
    const Hls = await hlsLibrary();
    if (Hls?.isSupported()) return new HlsEngine(Hls, video, film, listener);
  }
  if (video.canPlayType("application/vnd.apple.mpegurl")) return new NativeEngine(video, film, listener);
  return null;
}
