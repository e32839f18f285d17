// The session: access tokens live for minutes and are in a cookie that scripts cannot read. The
// answer to a refresh says how long the new one lives; it is replaced well before its end, by one
// request however many ask. The clock of the machine runs on while it sleeps, so a page that wakes
// up knows that its token is old before it asks for anything.

import { Problem, problemOf, unreachable } from "./problems.js";

const SPENT = 0.6; // share of a token's life after which the next one is fetched
const AGAIN = 5000; // after a refresh that did not get through, milliseconds

/** Dispatches `ended` when the session is over. */
export const session = new EventTarget();

let dueAt = 0;
let expiresAt = 0;
let timer = 0;
let refreshing = null;

export function csrfToken() {
  return document.cookie.split("; ").find((pair) => pair.startsWith("csrftoken="))?.slice(10) ?? "";
}

/** Whether somebody signed in here: the cookie that scripts can read lives as long as the session. */
export function isSignedIn() {
  return csrfToken() !== "";
}

export function jsonHeaders() {
  const headers = { "Content-Type": "application/json" };
  const token = csrfToken();
  if (token) headers["X-CSRFToken"] = token;
  return headers;
}

/** The token was refused, or is gone: the next request fetches another one first. */
export function expire() {
  dueAt = 0;
  expiresAt = 0;
}

/** A new access token. Rejects with a Problem: `signed-out`, or `unreachable`. */
export function refresh() {
  refreshing ??= renew().finally(() => { refreshing = null; });
  return refreshing;
}

/** Make sure of a token that is good for a while. A refresh that does not get through matters only
 *  once the old token is over. */
export async function fresh() {
  if (Date.now() < dueAt) return;
  try {
    await refresh();
  } catch (problem) {
    if (problem.kind === "signed-out" || Date.now() >= expiresAt) throw problem;
  }
}

/** The session is over, here or on the server. */
export function end(reason) {
  forget();
  forgetCookie(); // else the next visit asks again
  session.dispatchEvent(new CustomEvent("ended", { detail: reason }));
}

/** As the server set it: for its domain, where the settings name one, else for this host. */
function forgetCookie() {
  const { cookieDomain } = document.body.dataset;
  const domain = cookieDomain ? `; Domain=${cookieDomain}` : "";
  document.cookie = `csrftoken=; Path=/; Max-Age=0; SameSite=Lax${domain}`;
}

export function forget() {
  clearTimeout(timer);
  expire();
}

async function renew() {
  if (!isSignedIn()) {
    end("signed-out");
    throw new Problem("signed-out");
  }
  const began = Date.now();
  let answer;
  try {
    answer = await fetch("/api/token/refresh/", { method: "POST", headers: jsonHeaders(), body: "{}" });
  } catch {
    schedule(AGAIN);
    throw unreachable();
  }
  if (answer.status === 400 || answer.status === 401) {
    end("signed-out");
    throw new Problem("signed-out");
  }
  if (!answer.ok) {
    schedule(AGAIN);
    throw await problemOf(answer);
  }
  const life = lifetime((await answer.json()).access);
  expiresAt = began + life;
  dueAt = began + life * SPENT;
  schedule(dueAt - Date.now());
}

function schedule(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(() => refresh().catch(() => {}), Math.max(0, milliseconds));
}

/** Of a JSON web token (RFC 7519), in milliseconds. By its own times: the clocks of browser and
 *  server need not agree. */
function lifetime(token) {
  const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  const { iat, exp } = JSON.parse(atob(payload));
  return (exp - iat) * 1000;
}

// Timers stand still while the machine sleeps or the page is frozen.
for (const [target, event] of [[document, "visibilitychange"], [document, "resume"], [window, "pageshow"], [window, "online"]]) {
  target.addEventListener(event, () => {
    if (dueAt && Date.now() >= dueAt) refresh().catch(() => {});
  });
}
