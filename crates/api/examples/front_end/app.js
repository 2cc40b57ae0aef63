import { createClient } from "/latchkey.js";

const auth = createClient();
const element = (selector) => document.querySelector(selector);

/** Shows the form or, if the tab is signed in, a response that only users get. */
async function show(user, signal) {
  element("form").hidden = !!user;
  element("main").hidden = !user;
  element("#greeting").textContent = "";
  if (!user) return;
  const response = await auth.fetch("/private", { signal });
  if (!response.ok) throw new Error("The greeting cannot be loaded. Try again later.");
  element("#greeting").textContent = await response.text();
}

function fail(error) {
  element("[role=alert]").textContent = error.message;
}

/** Runs an action, and shows its error. After a network failure, the tab is still signed in. */
function attempt(action) {
  element("[role=alert]").textContent = "";
  action().catch(fail);
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
auth.watch(show, fail);
