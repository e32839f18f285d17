// The accounts: find one, disable it, enable it.

import { call } from "../api.js";
import { el, show } from "../dom.js";
import { loadingRows } from "../loading.js";
import { toast, toastProblem } from "../toast.js";
import { confirmed } from "./dialogs.js";
import { moment, settled } from "./format.js";
import { lastPage, pager, searchBox } from "./paged.js";

const SIZE = 20;
const STATES = { active: "Active", disabled: "Disabled", waiting: "Not activated" };

/** `waiting`: the link of the activation mail has not been opened. */
function stateOf(user) {
  if (user.is_active) return "active";
  return user.lapses_at ? "waiting" : "disabled";
}

export class UsersTable {
  constructor(me) {
    this.me = me;
    this.asked = { search: "", page: 1 };
    this.body = el("tbody", { role: "rowgroup" });
    this.said = el("p", { class: "empty", role: "status" });
    this.loading = loadingRows(4);
    this.pages = el("nav", { class: "pager", "aria-label": "Pages of users" });
    const search = searchBox("Search users", settled((text) => { Object.assign(this.asked, { search: text, page: 1 }); this.load(); }, 250));
    const names = ["Address", "State", "Since", "Last sign-in", "Actions"];
    const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, names.map((name) => el("th", { role: "columnheader", scope: "col" }, name))));
    const table = el("table", { role: "table", class: "users" }, el("caption", { class: "hidden-text" }, "Users"), head, this.body);
    this.element = el("section", { class: "panel", "aria-labelledby": "users-title" }, el("h2", { id: "users-title" }, "Users"), el("div", { class: "filters" }, search), table, this.loading, this.said, this.pages);
    this.load();
  }

  async load() {
    const number = (this.number = (this.number ?? 0) + 1);
    const parameters = new URLSearchParams({ page_size: SIZE, page: this.asked.page });
    if (this.asked.search) parameters.set("search", this.asked.search);
    try {
      const { count, results } = await call(`admin/users/?${parameters}`);
      if (number !== this.number) return; // asked for something else meanwhile
      this.loading.remove();
      if (!results.length && this.asked.page > 1) {
        this.asked.page = lastPage(count, SIZE); // who was on it is gone
        await this.load();
        return;
      }
      show(this.body, results.map((user) => this.row(user)));
      this.said.textContent = count ? "" : "Nobody fits.";
      pager(this.pages, { page: this.asked.page, size: SIZE, count }, (page) => { this.asked.page = page; this.load(); });
    } catch (problem) {
      this.loading.remove();
      this.said.textContent = problem.message;
    }
  }

  row(user) {
    const isMe = user.id === this.me.id;
    const name = el("th", { role: "rowheader", scope: "row", class: "title" }, el("span", { class: "row-title" }, user.email), user.is_staff ? el("span", { class: "brand-admin" }, "admin") : null);
    const state = stateOf(user);
    const note = user.lapses_at ? el("span", { class: "hint" }, `goes away ${moment(user.lapses_at)}`) : null;
    const cell = (kind, ...children) => el("td", { role: "cell", class: kind }, children);
    const time = (label, text) => el("td", { role: "cell", class: "facts", "data-label": label }, el("span", { class: "hint" }, text ? moment(text) : "–"));
    return el("tr", { role: "row", "data-state": state, "data-id": user.id }, name, cell("status", el("span", { class: "state" }, STATES[state]), note), time("Since", user.created_at), time("Last sign-in", user.last_sign_in), cell("do", isMe ? el("span", { class: "hint" }, "you") : this.button(user)));
  }

  button(user) {
    const change = async (name) => {
      await call(`admin/users/${user.id}/${name}/`, { method: "POST", json: {} });
      toast(`${user.email} is ${name}d.`);
      await this.load();
    };
    // The rows are new: the focus goes to what now stands in the place of the button.
    const focus = () => this.body.querySelector(`[data-id="${user.id}"] button`)?.focus();
    if (!user.is_active) {
      const label = user.lapses_at ? "Activate" : "Enable";
      return el("button", { type: "button", class: "small", "aria-label": `${label} ${user.email}`, on: { click: () => change("enable").then(focus, toastProblem) } }, label);
    }
    const text = "All sessions end at once, and nobody can sign in to the account until it is enabled again.";
    return el("button", { type: "button", class: "small", "aria-label": `Disable ${user.email}`, on: { click: () => confirmed(`Disable ${user.email}?`, text, "Disable", () => change("disable"), focus) } }, "Disable");
  }
}
