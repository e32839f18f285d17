// The admins' page: who may see it, and its two views.

import { call, signOut, whoAmI } from "../api.js";
import { card, showSignIn } from "../auth.js";
import { el, enter, show } from "../dom.js";
import { session } from "../session.js";
import { toastProblem } from "../toast.js";
import { FilmsTable } from "./films.js";
import { gaugesPanel } from "./gauges.js";
import { UploadPanel } from "./upload.js";
import { UsersTable } from "./users.js";

let user = null;
let lastId = 0; // of whoever was signed in the last time
let leave = () => {};
// An upload goes on whatever is shown: its panel lives as long as somebody is signed in.
let upload = null;
let uploaded = () => {}; // of the view that is shown
const uploadNote = el("span", { class: "tab-note" });

function uploadPanel() {
  upload ??= new UploadPanel({
    added: () => uploaded(),
    changed: () => { uploadNote.textContent = upload?.summary ?? ""; },
  });
  return upload;
}

function dropUpload() {
  upload?.stop();
  upload = null;
  uploadNote.textContent = "";
}

function showAccount() {
  const bar = document.getElementById("bar-middle");
  const isUsers = location.hash === "#/users";
  const link = (text, href, isHere, note) => el("a", { href, "aria-current": isHere ? "page" : null }, text, note);
  const isAdmin = user?.is_staff;
  show(bar, isAdmin ? el("nav", { class: "tabs", "aria-label": "Views" }, link("Films", "#/", !isUsers, uploadNote), link("Users", "#/users", isUsers, null), el("a", { href: "/" }, "Watch")) : null);
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
    toastProblem(problem);
    return;
  }
  user = null;
  dropUpload();
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
  uploaded = () => {
    films.soon();
    changed();
  };
  refreshCategories();
  enter("Films", el("h1", { class: "hidden-text" }, "Films"), suggestions, el("div", { class: "admin" }, el("div", { class: "admin-side" }, uploadPanel().element, gauges.element), films.element));
  document.title = "Films – Videoflix admin";
  return () => {
    uploaded = () => {};
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
  if (user && lastId !== user.id) dropUpload(); // it was somebody else's
  lastId = user?.id ?? lastId;
  route();
  upload?.goOn();
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
window.addEventListener("beforeunload", (event) => {
  if (upload?.isRunning) event.preventDefault(); // asks whether one really wants to go
});
// A file that misses the place for it would be opened by the browser in the page's stead.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}
start();
