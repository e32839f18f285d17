// The page that the link in an activation mail opens.

import { publicCall } from "./api.js";
import { card } from "./auth.js";
import { el, enter } from "./dom.js";
import { takeLink } from "./link.js";

const link = takeLink();

async function activate() {
  enter("Activate your account", card("Activating your account …"));
  if (!link) return showBad("This link is not complete. Open the whole link of the mail.");
  try {
    await publicCall(`activate/${link.uid}/${link.token}/`);
  } catch (problem) {
    if (problem.kind === "unreachable" || problem.kind === "too-many") return showBad(problem.message, true);
    return showBad("This link has been used, or is too old.");
  }
  const button = el("a", { class: "button primary", href: "/#/signin" }, "Sign in");
  return enter("Account activated", card("Your account is active", el("p", {}, "You can sign in now."), button));
}

function showBad(text, mayRetry = false) {
  const next = mayRetry
    ? el("button", { class: "primary", type: "button", on: { click: activate } }, "Try again")
    : el("a", { class: "button", href: "/#/signin" }, "To the sign-in");
  enter("Activation failed", card("That did not work", el("p", { class: "notice bad", role: "alert" }, text), next));
}

activate();
