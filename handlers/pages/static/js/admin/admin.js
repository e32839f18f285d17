// The admins' page: who may see it, and its two views.

import { call, signOut, whoAmI } from "../api.js";
import { card, showSignIn } from "../auth.js";
import { el, enter, say, show } from "../dom.js";
import { session } from "../session.js";
import { FilmsTable } from "./films.js";
import { gaugesPanel } from "./gauges.js";
import { UploadPanel } from "./upload.js";
import { UsersTable } from "./users.js";

let user = null;
let leave = () => {};

function showAccount() {
  const bar = document.getElementById("bar-middle");
  const isUsers = location.hash === "#/users";
  const link = (text, href, isHere) => el("a", { href, "aria-current": isHere ? "page" : null }, text);
  const isAdmin = user?.is_staff;
  show(bar, isAdmin ? el("nav", { class: "tabs", "aria-label": "Views" }, link("Films", "#/", !isUsers), link("Users", "#/users", isUsers), el("a", { href: "/" }, "Watch")) : null);
  show(
    document.getElementById("account"),
    user ? el("span", { class: "who" }, user.email) : null,
    user ? el("button", { type: "button", class: "quiet", on: { click: goOut } }, "Sign out") : null,
  );
}

async function goOut() {
  try {
    await signOut();
  } catch (problem) {
    say(problem.message);
    return;
  }
  user = null;
  route();
}

function showForAdmins() {
  enter("For admins", card("This page is for admins", el("p", {}, `You are signed in as ${user.email}, who is a member. Films are watched on the other page.`), el("a", { class: "button primary", href: "/" }, "Watch films")));
}

function showFilms() {
  const gauges = gaugesPanel();
  const suggestions = el("datalist", { id: "categories" });
  const refreshCategories = async () => {
    const found = await call("admin/categories/").catch(() => null);
    if (!found) return;
    const all = [...new Set([...found.in_use, ...found.suggestions])];
    show(suggestions, all.map((value) => el("option", { value })));
    films.setCategories(found.in_use);
  };
  const changed = () => {
    gauges.load();
    refreshCategories();
  };
  const films = new FilmsTable(changed);
  const upload = new UploadPanel(() => { films.soon(); changed(); });
  refreshCategories();
  enter("Films", el("h1", { class: "hidden-text" }, "Films"), suggestions, el("div", { class: "admin" }, el("div", { class: "admin-side" }, upload.element, gauges.element), films.element));
  document.title = "Films – Videoflix admin";
  return () => {
    films.stop();
    gauges.stop();
  };
}

function showUsers() {
  enter("Users", el("h1", { class: "hidden-text" }, "Users"), new UsersTable(user).element);
  document.title = "Users – Videoflix admin";
  return () => {};
}

function askToSignIn(reason = "") {
  showSignIn({ done: start, reason, isAdmin: true });
}

function route() {
  leave();
  leave = () => {};
  showAccount();
  if (!user) askToSignIn();
  else if (!user.is_staff) showForAdmins();
  else leave = location.hash === "#/users" ? showUsers() : showFilms();
}

async function start() {
  try {
    user = await whoAmI();
  } catch (problem) {
    enter("Problem", card("That did not work", el("p", { class: "notice bad", role: "alert" }, problem.message), el("button", { type: "button", class: "primary", on: { click: start } }, "Try again")));
    return;
  }
  route();
}

session.addEventListener("ended", () => {
  if (!user) return;
  user = null;
  leave();
  leave = () => {};
  showAccount();
  askToSignIn("You were signed out. Sign in to go on.");
});
window.addEventListener("hashchange", route);
start();
