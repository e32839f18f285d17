// Lists that come in pages.

import { el, show } from "../dom.js";

export function lastPage(count, size) {
  return Math.max(1, Math.ceil(count / size));
}

/** Buttons for a list of `count` things: `go(page)` is called. */
export function pager(place, { page, size, count }, go) {
  const pages = lastPage(count, size);
  if (pages === 1) {
    show(place);
    return;
  }
  const button = (label, target, isThere) => el("button", { type: "button", class: "small", disabled: !isThere, on: { click: () => go(target) } }, label);
  const focused = place.contains(document.activeElement) ? document.activeElement.textContent : "";
  show(place, button("Previous", page - 1, page > 1), el("span", {}, `Page ${page} of ${pages}`), button("Next", page + 1, page < pages));
  if (!focused) return;
  const buttons = [...place.querySelectorAll("button")];
  (buttons.find((each) => each.textContent === focused && !each.disabled) ?? buttons.find((each) => !each.disabled)).focus();
}

export function select(name, label, options, changed) {
  const made = el("select", { name, "aria-label": label, on: { change: () => changed(made.value) } }, options.map(([value, text]) => el("option", { value }, text)));
  return made;
}

export function searchBox(label, changed) {
  const input = el("input", { type: "search", "aria-label": label, placeholder: label, autocomplete: "off" });
  input.addEventListener("input", () => changed(input.value.trim()));
  return input;
}
