// What is done to one film: edit, picture, preview, delete.

import { call } from "../api.js";
import { el } from "../dom.js";
import { form } from "../forms.js";
import { Player } from "../player.js";
import { toast } from "../toast.js";
import { confirmed, openDialog } from "./dialogs.js";
import { detailFields } from "./upload.js";

const PICTURES = ["image/jpeg", "image/png", "image/webp"]; // what the API takes

const path = (film) => `admin/videos/${film.id}/`;

function pictureField(film, changed) {
  const said = el("p", { class: "hint", role: "status" });
  const tell = async (work, done) => {
    said.textContent = "…";
    try {
      changed(await work());
      said.textContent = done;
    } catch (problem) {
      said.textContent = problem.message;
    }
  };
  const input = el("input", { type: "file", id: "edit-picture", accept: PICTURES.join() });
  input.addEventListener("change", () => {
    const [body] = input.files;
    if (!body) return;
    if (!PICTURES.includes(body.type)) {
      said.textContent = "This is no JPEG, PNG or WebP. Choose a picture of one of these kinds.";
      return;
    }
    tell(() => call(`${path(film)}thumbnail/`, { method: "PUT", body, type: body.type }), "The picture is saved.");
  });
  const remove = el("button", { type: "button", class: "small", on: { click: () => tell(() => call(`${path(film)}thumbnail/`, { method: "DELETE" }), "The picture comes from the film again.") } }, "Take one from the film");
  return el("div", { class: "field" }, el("label", { htmlFor: "edit-picture" }, "Own picture"), input, el("div", { class: "actions" }, remove), said);
}

/** Edit a film; `changed(record)` hears of what was saved. */
export function editFilm(film, changed) {
  const told = (record) => { if (record?.id) changed(record); };
  const made = form([...detailFields(film), pictureField(film, told)], {
    button: "Save",
    submit: async ({ title, description, category }) => {
      changed(await call(path(film), { method: "PATCH", json: { title, description, category } }));
      dialog.close();
      toast(`${title} is saved.`);
    },
  });
  const dialog = openDialog(`Edit ${film.title}`, made);
}

/** Ask, and delete a film: `removed()` is called then, `after()` when the dialog has gone. */
export function deleteFilm(film, removed, after) {
  const text = "The film, its encodes and the file that was uploaded are deleted for good. Whoever watches it is stopped.";
  confirmed(`Delete ${film.title}?`, text, "Delete", async () => {
    await call(path(film), { method: "DELETE" });
    removed();
    toast(`${film.title} is deleted.`);
  }, after);
}

export function previewFilm(film) {
  const player = new Player(film, new URL(film.thumbnail_url, location.href).pathname, { keepsPlace: false });
  openDialog(film.title, player.element, { wide: true, closed: () => player.stop() });
  player.start().catch((problem) => player.tell(problem.kind));
}
