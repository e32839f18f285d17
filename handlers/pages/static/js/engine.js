// How a film gets into the <video>: by hls.js wherever the browser has Media Source Extensions,
// by the browser itself elsewhere. Both engines look the same from outside:
//   qualities(), sounds(), texts(): [{id, label}];  quality, sound, text: what is chosen ("auto",
//   "" for none);  load(at), destroy();  and call  tracks()  and  problem(kind, retry).

import { loadScript } from "./dom.js";
import { Problem } from "./problems.js";
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

/** Fetch the player while there is nothing else to do, so that the first film begins sooner. */
export function warmUp() {
  if (!hasMediaSource() || navigator.connection?.saveData) return;
  if (window.requestIdleCallback) requestIdleCallback(() => hlsLibrary());
  else setTimeout(hlsLibrary, 2000);
}

/** The engine for this browser. Rejects with a Problem that says why there is none: `none` (the
 *  browser cannot), `missing` (the server has no player for it) or `unloaded`. */
export async function openEngine(video, film, listener) {
  const isCapable = hasMediaSource();
  const Hls = isCapable ? await hlsLibrary() : null;
  if (Hls?.isSupported()) return new HlsEngine(Hls, video, film, listener);
  if (video.canPlayType("application/vnd.apple.mpegurl")) return new NativeEngine(video, film, listener);
  if (!isCapable || Hls) throw new Problem("none");
  throw new Problem(document.body.dataset.hlsUrl ? "unloaded" : "missing");
}
