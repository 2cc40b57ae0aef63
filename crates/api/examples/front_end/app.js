import { createClient } from "/latchkey.js";

const auth = createClient();
const element = (selector) => document.querySelector(selector);

/** Shows the form or, if the tab is signed in, a response that only users get. */
async function show() {
  const user = await auth.user();
  element("#greeting").textContent = user ? await (await auth.fetch("/private")).text() : "";
  element("main").hidden = !user;
  element("form").hidden = !!user;
}

/** Runs an action, and shows its error. After a network failure, the tab is still signed in. */
async function attempt(action) {
  element("[role=alert]").textContent = "";
  try {
    await action();
  } catch (error) {
    element("[role=alert]").textContent = error.errors?.[0]?.message ?? error.message;
  }
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { email, password, remember } = event.target.elements;
  const account = { email: email.value, password: password.value };
  attempt(async () => {
    if (event.submitter?.name === "new") await auth.signUp(account);
    const outcome = await auth.login({ ...account, remember: remember.checked });
    if (outcome.status === "second_factor_required") {
      await auth.completeLogin({ ticket: outcome.ticket, code: prompt("Code from your app") });
    }
  });
});
element("#logout").addEventListener("click", () => attempt(() => auth.logout()));
auth.onChange(() => attempt(show));
attempt(show);
