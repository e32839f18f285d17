// Signing in, signing up, asking for a new password.

import { publicCall, signIn } from "./api.js";
import { el, enter, say } from "./dom.js";
import { field, form, textInput } from "./forms.js";

const emailField = () => field("E-mail address", textInput("email", { type: "email", autocomplete: "username", maxLength: 254 }));

export function card(title, ...children) {
  return el("section", { class: "card narrow" }, el("h1", {}, title), children);
}

function links(...pairs) {
  return el("p", { class: "links" }, pairs.map(([text, href]) => el("a", { href }, text)));
}

/** `done` is called once one is signed in; `reason` stands above the form. */
export function showSignIn({ done, reason = "", isAdmin = false }) {
  const password = textInput("password", { type: "password", autocomplete: "current-password" });
  const made = form([emailField(), field("Password", password)], {
    button: "Sign in",
    explain: { non_field_errors: "Address and password do not fit, or the account is not active yet: see your mails." },
    submit: async (values) => {
      await signIn(values.email, values.password);
      say("You are signed in.");
      await done();
    },
  });
  enter(
    "Sign in",
    card(
      isAdmin ? "Sign in as admin" : "Sign in",
      reason ? el("p", { class: "notice", role: "status" }, reason) : null,
      made,
      isAdmin
        ? links(["Forgot your password?", "/#/forgot"], ["Watch films", "/"])
        : links(["Create an account", "#/signup"], ["Forgot your password?", "#/forgot"]),
    ),
  );
  made.elements.namedItem("email").focus();
}

export function showSignUp() {
  const options = { type: "password", autocomplete: "new-password" };
  const hint = "At least 8 characters, and nothing that is easily guessed.";
  const made = form(
    [
      emailField(),
      field("Password", textInput("password", options), { hint }),
      field("Password again", textInput("confirmed_password", options)),
    ],
    {
      button: "Create account",
      submit: async (values) => {
        await publicCall("register/", values);
        showSent("Nearly done", `A mail is on its way to ${values.email}. Open the link in it to activate your account.`);
      },
    },
  );
  enter("Create an account", card("Create an account", made, links(["I have an account", "#/signin"])));
}

export function showForgot() {
  const made = form([emailField()], {
    button: "Send me a link",
    submit: async (values) => {
      await publicCall("password_reset/", values);
      showSent("Look into your mails", `If there is an account for ${values.email}, a link to choose a new password is on its way.`);
    },
  });
  enter("Forgot your password?", card("Forgot your password?", made, links(["Back to sign-in", "#/signin"])));
}

function showSent(title, text) {
  enter(title, card(title, el("p", {}, text), links(["Back to sign-in", "#/signin"])));
}
