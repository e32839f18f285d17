// What can go wrong with a request, in words for people.

const WORDS = {
  "signed-out": "You are signed out. Sign in to go on.",
  unreachable: "The server cannot be reached.",
  forbidden: "You may not do that.",
  gone: "There is nothing here any more.",
  broken: "Something went wrong on the server.",
  unloaded: "A part of this page could not be loaded.",
};

/** `kind` is one of the above, `none` or `missing` (what this browser or server cannot do), `invalid` (`fields` says what is wrong), `conflict` or `too-many`. */
export class Problem extends Error {
  constructor(kind, { message = WORDS[kind], fields = {}, status = 0 } = {}) {
    super(message);
    this.kind = kind;
    this.fields = fields;
    this.status = status;
  }
}

export function unreachable() {
  return new Problem("unreachable");
}

/** Of an answer that is no success. */
export async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  const { status } = answer;
  if (status === 401) return new Problem("signed-out", { status });
  if (status === 403) return new Problem("forbidden", { status });
  if (status === 404) return new Problem("gone", { status });
  if ([502, 503, 504].includes(status)) {
    return new Problem("unreachable", { message: body.detail ?? WORDS.unreachable, status });
  }
  if (status >= 500 && status !== 507) return new Problem("broken", { status });
  const kinds = { 400: "invalid", 409: "conflict", 429: "too-many" };
  return new Problem(kinds[status] ?? "invalid", { message: sentences(body), fields: body, status });
}

/** Every text in the body of an answer. */
export function sentences(body) {
  const texts = Object.values(body).flat().filter((value) => typeof value === "string");
  return texts.join(" ") || "The server refused that.";
}
