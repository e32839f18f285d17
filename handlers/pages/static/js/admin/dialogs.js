// Modal dialogs: the browser keeps the focus inside, and gives it back at the end.

import { el, iconButton, show } from "../dom.js";

let count = 0;

/** Open a dialog. `closed` is called when it has gone, however that came about. */
export function openDialog(title, content, { wide = false, closed = () => {} } = {}) {
  const id = `dialog-${(count += 1)}`;
  const dialog = el("dialog", { class: wide ? "dialog wide" : "dialog", "aria-labelledby": id });
  const close = iconButton("close", "Close", () => dialog.close());
  show(dialog, el("div", { class: "dialog-head" }, el("h2", { id }, title), close), content);
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask before something that cannot be taken back. `act` may throw a Problem, which is shown. `after`
 *  is called when it was done and the dialog has gone: where the focus came from may be gone too. */
export function confirmed(title, text, button, act, after) {
  const wrong = el("p", { class: "notice bad", role: "alert", hidden: true });
  const go = el("button", { type: "button", class: "danger" }, button);
  const stay = el("button", { type: "button", autofocus: true, on: { click: () => dialog.close() } }, "Keep it");
  const dialog = openDialog(title, [el("p", {}, text), wrong, el("div", { class: "actions end" }, stay, go)]);
  go.addEventListener("click", async () => {
    go.disabled = true;
    try {
      await act();
      dialog.close();
      after();
    } catch (problem) {
      wrong.textContent = problem.message;
      wrong.hidden = false;
      go.disabled = false;
    }
  });
}
