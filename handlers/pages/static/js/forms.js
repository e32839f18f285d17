// Forms: labels, what is wrong beside its field, one request at a time.

import { el, say, show } from "./dom.js";

let count = 0;

/** A labelled field. `input` is the control's element. */
export function field(label, input, { hint = "" } = {}) {
  const id = input.id || `field-${(count += 1)}`;
  input.id = id;
  const below = [];
  if (hint) below.push(el("p", { class: "hint", id: `${id}-hint` }, hint));
  below.push(el("p", { class: "wrong", id: `${id}-wrong` }));
  input.setAttribute("aria-describedby", below.map((each) => each.id).join(" "));
  return el("div", { class: "field" }, el("label", { htmlFor: id }, label), input, below);
}

export function textInput(name, properties = {}) {
  return el("input", { name, required: true, type: "text", ...properties });
}

/** A form with a place for what is wrong as a whole. `submit` gets the values; what it throws is
 *  shown beside the fields it names. `names` maps the API's fields to ours. */
export function form(children, { button, submit, names = {}, explain = {} }) {
  const general = el("p", { class: "notice bad", role: "alert", hidden: true });
  const go = el("button", { class: "primary", type: "submit" }, button);
  const made = el("form", { noValidate: true, class: "form" }, general, children, el("div", { class: "actions" }, go));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (go.disabled) return;
    clear(made);
    if (!isFilled(made)) return;
    go.disabled = true;
    try {
      await submit(Object.fromEntries(new FormData(made)));
    } catch (problem) {
      showProblem(made, problem, { names, explain });
    } finally {
      go.disabled = false;
    }
  });
  return made;
}

function clear(made) {
  made.firstElementChild.hidden = true;
  for (const input of made.elements) mark(input, "");
}

/** Where it stands what is wrong with `input`; also while the form is not in the page. */
function placeOf(input) {
  return input.id && input.form.querySelector(`#${input.id}-wrong`);
}

function mark(input, text) {
  const place = placeOf(input);
  if (!place) return;
  place.textContent = text;
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** What the browser itself finds, in its own words; the first such field gets the focus. */
function isFilled(made) {
  const wrong = [...made.elements].filter((input) => input.willValidate && !input.checkValidity());
  for (const input of wrong) mark(input, input.validationMessage);
  wrong[0]?.focus();
  return wrong.length === 0;
}

/** Say beside the fields of `made`, which is by `form`, what a Problem says of them. */
export function showProblem(made, problem, { names = {}, explain = {} } = {}) {
  const general = made.firstElementChild;
  const left = [];
  let first = null;
  for (const [name, found] of Object.entries(problem.fields ?? {})) {
    const input = made.elements.namedItem(names[name] ?? name);
    const text = [found].flat().join(" ");
    if (input && Array.isArray(found)) {
      mark(input, text);
      first ??= input;
    } else {
      left.push(explain[name] ?? text);
    }
  }
  if (!first || left.length) {
    show(general, left.join(" ") || problem.message);
    general.hidden = false;
  }
  if (first) {
    first.focus();
    say(placeOf(first).textContent);
  }
}
