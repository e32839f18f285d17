// How far each entry of the history was scrolled: whoever goes back finds the place again. Browsers
// do that by themselves for pages whose content is there at once.

history.scrollRestoration = "manual";

const places = new Map();
let entry = "";
let wanted = 0;

/** Call when the address has changed, before anything is shown. */
export function arrive() {
  // The last scroll may be so fresh that nobody was told of it yet.
  if (entry) places.set(entry, window.scrollY);
  entry = history.state?.entry ?? "";
  if (!entry) {
    entry = `${Date.now()}-${places.size}`;
    history.replaceState({ entry }, "");
  }
  wanted = places.get(entry) ?? 0;
  places.set(entry, wanted);
}

/** Where this entry was left, in pixels from the top; 0 for a new one. */
export function leftAt() {
  return wanted;
}

window.addEventListener("scroll", () => { if (entry) places.set(entry, window.scrollY); }, { passive: true });
