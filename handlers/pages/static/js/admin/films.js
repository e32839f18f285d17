// The table of films, kept up to date by the stream of events.

import { call } from "../api.js";
import { el, say, show } from "../dom.js";
import { loadingRows } from "../loading.js";
import { toast, toastProblem } from "../toast.js";
import { listen } from "./events.js";
import { deleteFilm, editFilm, previewFilm } from "./film-dialogs.js";
import { FilmRow } from "./film-row.js";
import { settled } from "./format.js";
import { lastPage, pager, searchBox, select } from "./paged.js";

const SIZE = 20;
const AGAIN = 30000; // milliseconds between two looks while there are no events
const NOT_LIVE = "Live progress is not available. The list is brought up to date every 30 seconds.";
const STATUSES = [["", "All films"], ["pending", "Waiting"], ["processing", "Encoding"], ["ready", "Ready"], ["failed", "Failed"]];
const SORTS = [["-created_at", "Newest first"], ["created_at", "Oldest first"], ["title", "Title A–Z"], ["-title", "Title Z–A"], ["-updated_at", "Changed last"]];

export class FilmsTable {
  /** `changed()` is called when what is stored may have changed. */
  constructor(changed) {
    this.changed = changed;
    this.asked = { status: "", category: "", search: "", sort: "-created_at", page: 1 };
    this.rows = new Map();
    this.body = el("tbody", { role: "rowgroup" });
    this.said = el("p", { class: "empty", role: "status" });
    this.loading = loadingRows(4);
    this.heading = el("h2", { id: "films-title", tabIndex: -1 }, "Films");
    this.pages = el("nav", { class: "pager", "aria-label": "Pages of films" });
    this.category = select("category", "Category", [["", "All categories"]], (category) => this.ask({ category }));
    this.retryAll = el("button", { type: "button", class: "small", hidden: true, on: { click: () => this.retryFailed() } }, "Retry all that failed");
    this.soon = settled(() => this.load(), 400);
    this.live = el("div", { role: "status" });
    this.element = this.build();
    this.load(); // the stream may never open
    this.stopListening = listen({
      start: ({ is_resumed: isResumed }) => { if (!isResumed) this.load(); },
      video: (film) => this.heard(film),
      deleted: ({ id }) => this.left(id),
    }, (isLive) => this.setLive(isLive));
  }

  build() {
    const search = searchBox("Search films", settled((text) => this.ask({ search: text }), 250));
    const filters = el("div", { class: "filters" }, search, select("status", "Status", STATUSES, (status) => this.ask({ status })), this.category, select("sort", "Order", SORTS, (sort) => this.ask({ sort })), this.retryAll);
    const names = ["Picture", "Title", "Status", "Added", "Actions"];
    const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, names.map((name) => el("th", { role: "columnheader", scope: "col" }, name))));
    const table = el("table", { role: "table", class: "films" }, el("caption", { class: "hidden-text" }, "Films"), head, this.body);
    return el("section", { class: "panel", "aria-labelledby": "films-title" }, this.heading, this.live, filters, table, this.loading, this.said, this.pages);
  }

  stop() {
    this.stopListening();
    clearInterval(this.timer);
  }

  /** Without the stream of events the list is looked at now and then. */
  setLive(isLive) {
    clearInterval(this.timer);
    show(this.live, isLive ? null : el("p", { class: "notice" }, NOT_LIVE));
    if (!isLive) this.timer = setInterval(() => this.load({ isQuiet: true }), AGAIN);
  }

  ask(change) {
    Object.assign(this.asked, { page: 1 }, change);
    return this.load();
  }

  /** `isQuiet`: rows that are there stay without a word where the server does not answer. */
  async load({ isQuiet = false } = {}) {
    const parameters = new URLSearchParams({ page_size: SIZE });
    for (const [name, value] of Object.entries(this.asked)) if (value) parameters.set(name, value);
    const number = (this.number = (this.number ?? 0) + 1);
    try {
      const found = await call(`admin/videos/?${parameters}`);
      if (number === this.number) this.draw(found);
    } catch (problem) {
      if (number !== this.number) return; // asked again meanwhile
      this.loading.remove();
      if (this.rows.size && isQuiet) return;
      if (this.rows.size) toastProblem(problem);
      else this.tell(problem.message, () => this.load());
    }
  }

  draw({ count, results }) {
    this.loading.remove();
    if (!results.length && this.asked.page > 1) {
      this.ask({ page: lastPage(count, SIZE) }); // what was on it is gone
      return;
    }
    const rows = new Map();
    for (const film of results) {
      const row = this.rows.get(film.id);
      row?.update(film);
      rows.set(film.id, row ?? new FilmRow(film, this.actions()));
    }
    this.rows = rows;
    const elements = [...rows.values()].map(({ element }) => element);
    // Moving a row takes the focus out of it: only where the order has changed.
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    if (elements.some((element, index) => this.body.children[index] !== element) || this.body.children.length !== elements.length) {
      show(this.body, elements);
      focused?.focus({ preventScroll: true });
    }
    const isNarrowed = this.asked.status || this.asked.search || this.asked.category;
    this.tell(count ? "" : isNarrowed ? "No film fits." : "There are no films yet. Upload the first one above.");
    this.retryAll.hidden = this.asked.status !== "failed" || !count;
    pager(this.pages, { page: this.asked.page, size: SIZE, count }, (page) => this.ask({ page }));
  }

  /** Say it in the place of rows; `again` is offered. */
  tell(text, again = null) {
    if (!again && this.said.textContent === text) return; // read out once
    show(this.said, text ? el("span", {}, text) : null, again ? el("button", { type: "button", class: "small", on: { click: again } }, "Try again") : null);
  }

  /** News of a film: in its row where it is shown, else perhaps in the list. */
  heard(film) {
    const row = this.rows.get(film.id);
    if (!row) {
      this.soon();
      return;
    }
    const before = row.film.processing_status;
    row.update(film);
    if (before === row.film.processing_status) return;
    if (["ready", "failed"].includes(film.processing_status)) {
      say(`${film.title}: ${film.processing_status}`);
      this.changed();
    }
    if (this.asked.status) this.soon();
  }

  left(id) {
    this.rows.get(id)?.element.remove();
    this.rows.delete(id);
    this.soon();
    this.changed();
  }

  /** The focus goes to the row that stands there now, else to the heading. */
  focusRow(index) {
    const rows = [...this.body.children];
    const place = rows[Math.min(index, rows.length - 1)]?.querySelector(".row-actions button:last-child");
    (place ?? this.heading).focus();
  }

  actions() {
    const post = (name, done) => async (film) => {
      try {
        this.heard(await call(`admin/videos/${film.id}/${name}/`, { method: "POST", json: {} }));
        toast(`${film.title}: ${done}`);
      } catch (problem) {
        toastProblem(problem);
        this.soon();
      }
    };
    return {
      preview: previewFilm,
      edit: (film) => editFilm(film, (record) => { this.heard(record); this.changed(); }),
      remove: (film) => {
        const index = [...this.rows.keys()].indexOf(film.id);
        deleteFilm(film, () => this.left(film.id), () => this.focusRow(index));
      },
      retry: post("retry", "tried again."),
      cancel: post("cancel", "cancelled."),
    };
  }

  async retryFailed() {
    try {
      const { retried, refused } = await call("admin/videos/retry/", { method: "POST", json: {} });
      toast(`${retried.length === 1 ? "1 film is" : `${retried.length} films are`} tried again${refused.length ? `, ${refused.length} cannot be` : ""}.`);
    } catch (problem) {
      toastProblem(problem);
    }
    this.load();
  }

  /** The categories that films have, to choose from. */
  setCategories(names) {
    const chosen = this.asked.category;
    show(this.category, [["", "All categories"], ...names.map((name) => [name, name])].map(([value, text]) => el("option", { value }, text)));
    this.category.value = chosen;
  }
}
