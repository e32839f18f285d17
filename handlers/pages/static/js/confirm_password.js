// The page that the link in a password mail opens.

import { publicCall } from "./api.js";
import { card } from "./auth.js";
import { el, enter } from "./dom.js";
import { field, form, textInput } from "./forms.js";
import { takeLink } from "./link.js";

const link = takeLink();

function showForm() {
  const options = { type: "password", autocomplete: "new-password" };
  const hint = "At least 8 characters, and nothing that is easily guessed.";
  const made = form(
    [
      field("New password", textInput("new_password", options), { hint }),
      field("New password again", textInput("confirm_password", options)),
    ],
    {
      button: "Save the new password",
      submit: async (values) => {
        try {
          await publicCall(`password_confirm/${link.uid}/${link.token}/`, values);
        } catch (problem) {
          if (problem.kind !== "invalid" || !problem.fields.detail) throw problem;
          showBad("This link has been used, or is too old.");
          return;
        }
        const button = el("a", { class: "button primary", href: "/#/signin" }, "Sign in");
        enter("Password changed", card("Your password is changed", el("p", {}, "Sign in with the new one."), button));
      },
    },
  );
  enter("Choose a new password", card("Choose a new password", made));
}

function showBad(text) {
  const next = el("a", { class: "button primary", href: "/#/forgot" }, "Ask for a new link");
  enter("Choose a new password", card("That did not work", el("p", { class: "notice bad", role: "alert" }, text), next));
}

if (link) showForm();
else showBad("This link is not complete. Open the whole link of the mail, or ask for a new one.");
