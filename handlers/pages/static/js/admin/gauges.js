// How full the disk and the cache of segments are.

import { call } from "../api.js";
import { el, show } from "../dom.js";
import { bytes } from "./format.js";

const EVERY = 30000; // milliseconds

let count = 0;

function gauge(label, used, total, note, { high = 0.9 } = {}) {
  const id = `gauge-${(count += 1)}`;
  const meter = el("meter", { id, min: 0, max: Math.max(total, 1), high: total * high, optimum: 0, value: used, "aria-describedby": `${id}-note` });
  return el("div", { class: "gauge" }, el("label", { htmlFor: id }, label), meter, el("p", { class: "hint", id: `${id}-note` }, note));
}

function drawn({ disk, titles, sources, uploads, cache }) {
  const used = disk.total - disk.free;
  const room = disk.free <= disk.floor ? "Full: uploads are refused and encodes wait." : `${bytes(disk.free)} free, ${bytes(disk.floor)} of it kept back`;
  const parts = `Films ${bytes(titles)} · as uploaded ${bytes(sources)} · arriving ${bytes(uploads)}`;
  return [
    gauge("Disk", used, disk.total, `${bytes(used)} of ${bytes(disk.total)} used; ${room}`),
    gauge("Cache of segments", cache.bytes, cache.budget, `${bytes(cache.bytes)} of ${bytes(cache.budget)}, ${cache.segments} segments`, { high: 1 }),
    el("p", { class: "hint" }, parts),
  ];
}

/** A panel that keeps itself up to date until the returned `stop` is called. */
export function gaugesPanel() {
  const place = el("div", { class: "gauges" });
  const element = el("section", { class: "card panel", "aria-labelledby": "gauges-title" }, el("h2", { id: "gauges-title" }, "Storage"), place);
  const load = async () => {
    if (document.hidden) return;
    try {
      show(place, drawn(await call("admin/storage/")));
    } catch (problem) {
      show(place, el("p", { class: "hint" }, problem.message));
    }
  };
  load();
  const timer = setInterval(load, EVERY);
  return { element, load, stop: () => clearInterval(timer) };
}
