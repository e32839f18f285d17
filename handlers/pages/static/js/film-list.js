// The films of the catalogue. What was read last is shown at once, and asked for again.

import { call } from "./api.js";

let known = null;

/** What was read last; null before that. */
export function knownFilms() {
  return known;
}

/** All films, the newest first. Rejects with a Problem. */
export async function readFilms() {
  known = await call("video/");
  return known;
}

export function forgetFilms() {
  known = null;
}

/** The picture's address on this server, by whatever name one came here. */
export function thumbnail(film) {
  const url = new URL(film.thumbnail_url, location.href);
  return url.pathname + url.search;
}
