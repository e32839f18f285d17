// What stands in for a view until it is there. It comes into sight only when that takes a while.

import { el } from "./dom.js";

const part = (name) => el("span", { class: `bone ${name}` });

function bones(kind, ...parts) {
  const said = el("p", { class: "hidden-text", role: "status" }, "Loading …");
  return el("div", { class: `loading ${kind}`, "aria-busy": "true" }, said, parts);
}

export function loadingFilms() {
  const shelf = () => el("div", { class: "bone-row" }, Array.from({ length: 5 }, () => part("bone-film")));
  return bones("shelves", part("bone-hero"), shelf(), shelf());
}

export function loadingFilm() {
  return bones("watch", part("bone-back"), part("bone-player"), part("bone-title"), part("bone-line"));
}

export function loadingRows(count) {
  return bones("panel", Array.from({ length: count }, () => part("bone-table-row")));
}
