// All films: the newest, then by category; one category; a search over all of it.

import { el, enter, icon, say, show } from "./dom.js";
import { warmUp } from "./engine.js";
import { grid, picture, row } from "./film-cards.js";
import { knownFilms, readFilms } from "./film-list.js";
import { loadingFilms } from "./loading.js";
import { leftAt } from "./places.js";
import { toastProblem } from "./toast.js";

const NEW = 12;
const ROW = 20; // films of a category in its row; the others are in the category's own view
const OTHER = "More films"; // those without a category

const linkTo = (category) => `#/category/${encodeURIComponent(category)}`;

/** The category in an address; null where it cannot be one. */
export function categoryOf(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function hero(film) {
  return el(
    "section",
    { class: "hero", "aria-label": "The newest film" },
    picture(film, "hero-picture", { fetchPriority: "high" }),
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

/** [category, its films], by the alphabet; those without one come last. */
function byCategory(films) {
  const groups = new Map();
  for (const film of films) {
    if (!groups.has(film.category)) groups.set(film.category, []);
    groups.get(film.category).push(film);
  }
  return [...groups].sort(([a], [b]) => (a === "") - (b === "") || a.localeCompare(b));
}

function chips(groups) {
  const links = groups.map(([name, films]) => el("li", {}, el("a", { class: "chip", href: linkTo(name) }, el("span", { class: "chip-name" }, name || OTHER), el("span", { class: "chip-count" }, String(films.length)))));
  return el("nav", { "aria-label": "Categories" }, el("ul", { class: "chips" }, links));
}

function shelf([name, films]) {
  const all = films.length > ROW ? el("a", { class: "all", href: linkTo(name), "aria-label": `All ${films.length} films: ${name || OTHER}` }, `All ${films.length}`) : null;
  return row(name || OTHER, films.slice(0, ROW), all);
}

function drawAll(place, films) {
  if (!films.length) {
    show(place, el("div", { class: "nothing" }, icon("film"), el("h2", {}, "There are no films yet."), el("p", {}, "As soon as one has been added, it is here.")));
    return;
  }
  const groups = byCategory(films);
  const isLarge = groups.length > 1 || films.length > ROW;
  show(place, hero(films[0]), isLarge ? chips(groups) : null, isLarge ? row("New", films.slice(0, NEW)) : null, groups.map(shelf));
}

function matches(film, words) {
  const text = `${film.title} ${film.description} ${film.category}`.toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

function drawFound(place, films, typed) {
  const words = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const found = films.filter((film) => matches(film, words));
  const title = found.length === 1 ? "1 film found" : `${found.length} films found`;
  const nothing = el("div", { class: "nothing" }, icon("search"), el("p", {}, `Nothing fits “${typed}”.`), el("p", {}, "Titles, descriptions and categories are searched for all your words."));
  show(place, el("section", { class: "shelf", "aria-label": "Search results" }, el("h2", {}, title), found.length ? grid(found).element : nothing));
  say(title);
}

function searchField(search) {
  const input = el("input", { type: "search", name: "search", placeholder: "Search films", "aria-label": "Search films", autocomplete: "off" });
  input.addEventListener("input", () => search(input.value.trim()));
  return el("form", { class: "search", role: "search", on: { submit: (event) => event.preventDefault() } }, icon("search"), input);
}

/** Show films until `signal` is aborted: `draw(place, films)` all that are meant, or what a search
 *  finds. Rejects with a Problem where there is nothing to show. */
async function showFilms(title, headings, draw, signal) {
  const bar = document.getElementById("bar-middle");
  const place = el("div", { class: "shelves" });
  let typed = "";
  let films = knownFilms();
  const drawNow = () => {
    for (const each of headings) each.hidden = Boolean(typed);
    if (typed) drawFound(place, films, typed);
    else draw(place, films);
  };
  const search = (words) => {
    typed = words;
    if (films) drawNow();
  };
  enter(title, headings, place);
  show(bar, searchField(search));
  signal.addEventListener("abort", () => show(bar));
  if (films) drawNow();
  else show(place, loadingFilms());
  window.scrollTo(0, leftAt());
  try {
    const read = await readFilms();
    if (signal.aborted || JSON.stringify(read) === JSON.stringify(films)) return;
    const isFirst = !films;
    films = read;
    drawNow();
    if (isFirst) window.scrollTo(0, leftAt());
  } catch (problem) {
    if (!films) throw problem;
    if (!signal.aborted) toastProblem(problem);
  }
}

export async function showCatalogue(signal) {
  await showFilms("", [el("h1", { class: "hidden-text" }, "Films")], drawAll, signal);
  warmUp();
}

/** The films of one category; null for one that cannot be. */
export function showCategory(category, signal) {
  const name = category || OTHER;
  const heading = el("h1", {}, category === null ? "There is no such category" : name);
  const count = el("p", { class: "over" });
  const head = el("div", { class: "view-head" }, el("a", { class: "back", href: "#/" }, icon("left"), "All films"), heading, count);
  const draw = (place, films) => {
    const found = films.filter((film) => film.category === category);
    count.textContent = found.length === 1 ? "1 film" : `${found.length} films`;
    const drawn = grid(found);
    show(place, found.length ? drawn.element : el("p", { class: "empty" }, "There are no films in it."));
    drawn.reach(leftAt());
  };
  return showFilms(name, [head], draw, signal);
}
