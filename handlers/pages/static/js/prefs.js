// What a viewer chose, kept in this browser.

const KEY = "videoflix.player";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

export function preference(name, otherwise) {
  return read()[name] ?? otherwise;
}

export function prefer(name, value) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...read(), [name]: value }));
  } catch {
    // A browser that keeps nothing plays all the same.
  }
}
