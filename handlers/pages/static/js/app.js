// The members' page: which view the address asks for, and who may see it.

import { signOut, whoAmI } from "./api.js";
import { showForgot, showSignIn, showSignUp } from "./auth.js";
import { categoryOf, showCatalogue, showCategory } from "./catalogue.js";
import { el, enter, show } from "./dom.js";
import { forgetFilms } from "./film-list.js";
import { arrive } from "./places.js";
import { session } from "./session.js";
import { toastProblem } from "./toast.js";
import { showWatch } from "./watch.js";

const HOME = "#/";
const OPEN = { "#/signin": null, "#/signup": showSignUp, "#/forgot": showForgot };

let user = null;
let wanted = HOME; // where a sign-in leads
let view = new AbortController(); // aborted when the view that is shown, or on its way, is left

export function problemCard(problem, again) {
  return el(
    "section",
    { class: "card narrow" },
    el("h1", {}, "That did not work"),
    el("p", { class: "notice bad", role: "alert" }, problem.message),
    el("button", { class: "primary", type: "button", on: { click: again } }, "Try again"),
  );
}

function showAccount() {
  const account = document.getElementById("account");
  const search = document.getElementById("bar-middle");
  if (!user) {
    show(search);
    show(account, el("a", { href: "#/signin" }, "Sign in"));
    return;
  }
  show(
    account,
    el("span", { class: "who" }, user.email),
    user.is_staff ? el("a", { href: "/admin/" }, "Admin") : null,
    el("button", { class: "quiet", type: "button", on: { click: goOut } }, "Sign out"),
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
  forgetFilms();
  wanted = HOME;
  location.hash = "#/signin";
  route();
}

async function signedIn() {
  user = await whoAmI();
  const view = wanted;
  wanted = HOME;
  if (location.hash === view) route();
  else location.hash = view;
}

function askToSignIn(reason = "") {
  user = null;
  showAccount();
  showSignIn({ done: signedIn, reason });
}

/** The signal of a new view; the one before is over. */
function nextView() {
  view.abort();
  view = new AbortController();
  return view.signal;
}

function showFilms(hash, signal) {
  const film = /^#\/watch\/(\d+)$/.exec(hash);
  if (film) return showWatch(Number(film[1]), signal);
  const category = /^#\/category\/(.*)$/.exec(hash);
  return category ? showCategory(categoryOf(category[1]), signal) : showCatalogue(signal);
}

async function route() {
  const signal = nextView();
  const hash = location.hash.startsWith("#/") ? location.hash : HOME;
  showAccount();
  if (hash === "#/forgot") return showForgot();
  if (!user && hash in OPEN) return OPEN[hash] ? OPEN[hash]() : askToSignIn();
  if (!user) {
    wanted = hash;
    return askToSignIn();
  }
  try {
    await showFilms(hash, signal);
  } catch (problem) {
    // A session that has ended is told of by its end.
    if (!signal.aborted && problem.kind !== "signed-out") enter("Problem", problemCard(problem, route));
  }
  return undefined;
}

async function start() {
  try {
    user = await whoAmI();
  } catch (problem) {
    enter("Problem", problemCard(problem, start));
    return;
  }
  route();
}

session.addEventListener("ended", () => {
  if (!user) return;
  nextView();
  forgetFilms();
  wanted = location.hash in OPEN ? HOME : location.hash;
  askToSignIn("You were signed out. Sign in to go on.");
});
window.addEventListener("hashchange", () => {
  arrive();
  route();
});
arrive();
start();
