// All films: the newest first, then by category; a search over all of it.

import { call } from "./api.js";
import { el, enter, icon, iconButton, say, show } from "./dom.js";

const NEW = 12;
const OTHER = "More films";

/** The picture's address on this server, by whatever name one came here. */
export function thumbnail(film) {
  const url = new URL(film.thumbnail_url, location.href);
  return url.pathname + url.search;
}

function card(film) {
  return el(
    "li",
    { class: "film" },
    el(
      "a",
      { href: `#/watch/${film.id}` },
      el("span", { class: "film-picture" }, el("img", { src: thumbnail(film), alt: "", loading: "lazy", width: 640, height: 360 }), el("span", { class: "film-play" }, icon("play"))),
      el("span", { class: "film-title" }, film.title),
    ),
  );
}

function row(title, films) {
  const list = el("ul", { class: "row", tabIndex: -1 }, films.map(card));
  const move = (direction) => list.scrollBy({ left: direction * list.clientWidth * 0.85 });
  const buttons = el(
    "div",
    { class: "row-buttons" },
    iconButton("left", `${title}: back`, () => move(-1)),
    iconButton("right", `${title}: further`, () => move(1)),
  );
  const watch = () => { buttons.hidden = list.scrollWidth <= list.clientWidth + 1; };
  new ResizeObserver(watch).observe(list);
  return el("section", { class: "shelf", "aria-label": title }, el("div", { class: "shelf-head" }, el("h2", {}, title), buttons), list);
}

function hero(film) {
  return el(
    "section",
    { class: "hero", "aria-label": "The newest film" },
    el("img", { class: "hero-picture", src: thumbnail(film), alt: "" }),
    el(
      "div",
      { class: "hero-text" },
      el("p", { class: "over" }, ["New", film.category].filter(Boolean).join(" · ")),
      el("h2", { class: "hero-title" }, film.title),
      film.description ? el("p", { class: "hero-description" }, film.description) : null,
      el("a", { class: "button primary", href: `#/watch/${film.id}` }, icon("play"), "Play"),
    ),
  );
}

function byCategory(films) {
  const groups = new Map();
  for (const film of films) {
    const name = film.category || OTHER;
    groups.set(name, [...(groups.get(name) ?? []), film]);
  }
  const names = [...groups.keys()].sort((a, b) => (a === OTHER) - (b === OTHER) || a.localeCompare(b));
  return names.map((name) => [name, groups.get(name)]);
}

function matches(film, words) {
  const text = `${film.title} ${film.description} ${film.category}`.toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

function searchField(search) {
  const input = el("input", { type: "search", name: "search", placeholder: "Search films", "aria-label": "Search films", autocomplete: "off" });
  input.addEventListener("input", () => search(input.value));
  return el("form", { class: "search", role: "search", on: { submit: (event) => event.preventDefault() } }, icon("search"), input);
}

/** Show all films. Returns what ends the view. */
export async function showCatalogue() {
  const films = await call("video/");
  const place = el("div", { class: "shelves" });
  const showAll = () => {
    if (!films.length) {
      show(place, el("p", { class: "empty" }, "There are no films yet."));
      return;
    }
    const shelves = byCategory(films).map(([name, found]) => row(name, found));
    show(place, hero(films[0]), row("New", films.slice(0, NEW)), shelves);
  };
  const search = (typed) => {
    const words = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return showAll();
    const found = films.filter((film) => matches(film, words));
    const title = found.length === 1 ? "1 film found" : `${found.length} films found`;
    show(place, el("section", { class: "shelf", "aria-label": "Search results" }, el("h2", {}, title), found.length ? el("ul", { class: "grid" }, found.map(card)) : el("p", { class: "empty" }, `Nothing fits “${typed.trim()}”.`)));
    return say(title);
  };
  const bar = document.getElementById("bar-middle");
  enter("", el("h1", { class: "hidden-text" }, "Films"), place);
  show(bar, searchField(search));
  showAll();
  return () => show(bar);
}
