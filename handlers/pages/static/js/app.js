// The members' page: which view the address asks for, and who may see it.

import { signOut, whoAmI } from "./api.js";
import { showForgot, showSignIn, showSignUp } from "./auth.js";
import { showCatalogue } from "./catalogue.js";
import { el, enter, say, show } from "./dom.js";
import { session } from "./session.js";
import { showWatch } from "./watch.js";

const HOME = "#/";
const OPEN = { "#/signin": null, "#/signup": showSignUp, "#/forgot": showForgot };

let user = null;
let wanted = HOME; // where a sign-in leads
let leave = () => {}; // ends the view that is shown

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
    say(problem.message);
    return;
  }
  user = null;
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

async function route() {
  leave();
  leave = () => {};
  const hash = location.hash.startsWith("#/") ? location.hash : HOME;
  showAccount();
  if (!user && hash in OPEN) return OPEN[hash] ? OPEN[hash]() : askToSignIn();
  if (!user) {
    wanted = hash;
    return askToSignIn();
  }
  const film = /^#\/watch\/(\d+)$/.exec(hash);
  try {
    leave = (film ? await showWatch(Number(film[1])) : await showCatalogue()) ?? (() => {});
  } catch (problem) {
    if (problem.kind === "signed-out") return undefined; // told by the session's end
    enter("Problem", problemCard(problem, route));
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
  leave();
  leave = () => {};
  wanted = location.hash.startsWith("#/watch/") ? location.hash : HOME;
  askToSignIn("You were signed out. Sign in to go on.");
});
window.addEventListener("hashchange", route);
start();
