// Requests to the API. Each makes sure of the session before it goes out; one that is refused all
// the same is repeated once with a new token.

import { Problem, problemOf, unreachable } from "./problems.js";
import { end, expire, forget, fresh, isSignedIn, jsonHeaders } from "./session.js";

async function send(path, { method, json, body, type, keepalive }) {
  const headers = jsonHeaders();
  if (type) headers["Content-Type"] = type;
  const content = body ?? (json === undefined ? undefined : JSON.stringify(json));
  if (content === undefined && method === "GET") delete headers["Content-Type"];
  try {
    return await fetch(`/api/${path}`, { method, headers, body: content, keepalive });
  } catch {
    throw unreachable();
  }
}

async function content(answer) {
  if (!answer.ok) throw await problemOf(answer);
  const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
  return isJson ? answer.json() : answer.text();
}

/** Calls that need no session: accounts. Resolves to what the answer holds, rejects with a Problem. */
export async function publicCall(path, json) {
  return content(await send(path, { method: json === undefined ? "GET" : "POST", json }));
}

/** Calls that need a session. `options`: method, json, or body and type, keepalive. */
export async function call(path, options = {}) {
  const request = { method: "GET", ...options };
  await fresh();
  let answer = await send(path, request);
  if (answer.status === 401) {
    expire();
    await fresh();
    answer = await send(path, request);
  }
  if (answer.status === 401) {
    end("signed-out");
    throw new Problem("signed-out");
  }
  return content(answer);
}

export async function signIn(email, password) {
  await publicCall("login/", { email, password });
  expire();
}

export async function signOut() {
  try {
    await publicCall("logout/", {});
  } catch (problem) {
    // 400 and 401 say that there is no session: that is what was asked for.
    if (![400, 401].includes(problem.status)) throw problem;
  }
  forget();
}

/** Who is signed in, or null. */
export async function whoAmI() {
  if (!isSignedIn()) return null;
  try {
    return await call("me/");
  } catch (problem) {
    if (problem.kind === "signed-out") return null;
    throw problem;
  }
}
