// Short messages on top of the page, for everybody to see: what went wrong stays until it is
// dismissed, what went well goes by itself.

import { el, iconButton } from "./dom.js";

const SHOWN = 6000; // milliseconds
const MOST = 3; // at the same time; the oldest goes

/** Tell something. `isBad`: it went wrong. */
export function toast(text, { isBad = false } = {}) {
  const place = document.getElementById("toasts");
  const same = [...place.children].find((each) => each.dataset.text === text);
  same?.remove(); // the same again is told again, once
  while (place.children.length >= MOST) place.firstElementChild.remove();
  const words = el("p", { role: isBad ? "alert" : "status" });
  const made = el("div", { class: isBad ? "toast bad" : "toast good", "data-text": text }, words, iconButton("close", "Dismiss", () => dismiss(made)));
  place.append(made);
  requestAnimationFrame(() => { words.textContent = text; }); // read out: the place was there before
  if (!isBad) goLater(made);
}

/** The focus goes to the page's heading where it would be lost. */
function dismiss(made) {
  const hadFocus = made.contains(document.activeElement);
  made.remove();
  if (hadFocus) document.querySelector("main h1")?.focus({ preventScroll: true });
}

/** Not while somebody points at it, or has it in focus. */
function goLater(made) {
  const look = () => {
    if (made.matches(":hover, :focus-within")) setTimeout(look, SHOWN);
    else made.remove();
  };
  setTimeout(look, SHOWN);
}

/** What a request was refused for. Nothing where the session has ended: the page says that. */
export function toastProblem(problem) {
  if (problem.kind !== "signed-out") toast(problem.message, { isBad: true });
}
