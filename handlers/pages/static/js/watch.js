// One film: the player, and what it is about.

import { clock, el, enter, icon, say } from "./dom.js";
import { knownFilms, readFilms, thumbnail } from "./film-list.js";
import { loadingFilm } from "./loading.js";
import { KEYS } from "./player-keys.js";
import { Player } from "./player.js";

const TOLD = 8000; // milliseconds for which one is told where playback went on

function keysHelp() {
  const rows = KEYS.map(([keys, text]) => [el("dt", {}, keys), el("dd", {}, text)]);
  return el("details", { class: "keys" }, el("summary", {}, "Keyboard"), el("dl", {}, rows.flat()));
}

function date(text) {
  return new Date(text).toLocaleDateString(undefined, { year: "numeric", month: "long", day: "numeric" });
}

function resumed(player, at) {
  const note = el("div", { class: "resumed" }, el("span", {}, `Going on at ${clock(at)}`), el("button", { type: "button", class: "quiet", on: { click: () => { player.seek(0); note.remove(); } } }, "Start over"));
  player.element.append(note);
  say(`Going on at ${clock(at)}`);
  setTimeout(() => note.remove(), TOLD);
}

async function findFilm(id) {
  const wanted = (films) => films?.find((each) => each.id === id);
  const known = wanted(knownFilms());
  if (known) return known;
  enter("", loadingFilm());
  return wanted(await readFilms());
}

/** Show a film and play it until `signal` is aborted. Rejects with a Problem. */
export async function showWatch(id, signal) {
  const film = await findFilm(id);
  if (signal.aborted) return;
  const back = el("a", { class: "back", href: "#/" }, icon("left"), "All films");
  if (!film) {
    enter("Film not found", el("section", { class: "card narrow" }, el("h1", {}, "This film is gone"), el("p", {}, "It was taken out of the catalogue, or is not ready yet."), back));
    return;
  }
  const player = new Player(film, thumbnail(film));
  signal.addEventListener("abort", () => player.stop());
  const about = el(
    "div",
    { class: "about" },
    el("h1", {}, film.title),
    el("p", { class: "over" }, [film.category, date(film.created_at)].filter(Boolean).join(" · ")),
    film.description ? el("p", { class: "description" }, film.description) : null,
    keysHelp(),
  );
  enter(film.title, el("div", { class: "watch" }, back, player.element, about));
  player.start().then((at) => { if (at > 0) resumed(player, at); }).catch((problem) => {
    if (problem.kind !== "signed-out") player.tell(problem.kind, () => window.dispatchEvent(new HashChangeEvent("hashchange")));
  });
}
