// Films as cards: in a row, or in a grid that grows as one scrolls.

import { thumbnail } from "./film-list.js";
import { el, icon, iconButton } from "./dom.js";

const STEP = 48; // cards that a grid grows by
const AHEAD = "800px"; // before its end comes into sight

/** A picture; where there is none, the ground below it shows that. */
export function picture(film, name, properties = {}) {
  const image = el("img", { src: thumbnail(film), alt: "", width: 640, height: 360, decoding: "async", ...properties });
  image.addEventListener("error", () => image.remove());
  return el("span", { class: `${name} picture-ground` }, icon("film"), image);
}

export function card(film) {
  const shown = picture(film, "film-picture", { loading: "lazy" });
  shown.append(el("span", { class: "film-play" }, icon("play")));
  return el("li", { class: "film" }, el("a", { href: `#/watch/${film.id}` }, shown, el("span", { class: "film-title", title: film.title }, film.title)));
}

/** One line of films under a heading; `all` leads to more than are in it. */
export function row(title, films, all = null) {
  const list = el("ul", { class: "row" }, films.map(card));
  const move = (direction) => list.scrollBy({ left: direction * list.clientWidth * 0.85 });
  const buttons = el(
    "div",
    { class: "row-buttons" },
    iconButton("left", `${title}: back`, () => move(-1)),
    iconButton("right", `${title}: further`, () => move(1)),
  );
  new ResizeObserver(() => { buttons.hidden = list.scrollWidth <= list.clientWidth + 1; }).observe(list);
  return el("section", { class: "shelf", "aria-label": title }, el("div", { class: "shelf-head" }, el("h2", {}, title), all, buttons), list);
}

/** All of them. As many are drawn as reach down to `reach` pixels, and more when they are wanted. */
export function grid(films) {
  const list = el("ul", { class: "grid" });
  const more = el("button", { type: "button", class: "more" }, "Show more films");
  const element = el("div", { class: "grid-all" }, list, more);
  const grow = () => {
    const first = list.children.length;
    list.append(...films.slice(first, first + STEP).map(card));
    more.hidden = list.children.length >= films.length;
    return list.children[first];
  };
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    grow();
    watcher.unobserve(more); // only a change is told: so that it is looked at once more
    watcher.observe(more);
  }, { rootMargin: AHEAD });
  more.addEventListener("click", () => grow()?.querySelector("a").focus());
  grow();
  watcher.observe(more);
  /** Grow until the page can be scrolled to `place`. */
  const reach = (place) => {
    while (!more.hidden && document.documentElement.scrollHeight < place + window.innerHeight) grow();
  };
  return { element, reach };
}
