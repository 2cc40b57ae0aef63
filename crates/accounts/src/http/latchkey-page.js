// For server-rendered pages of signed-in users: reloads them after a log-in or log-out in another
// tab. The server then decides what the user of this browser may see.

const channel = new BroadcastChannel("latchkey");

function reload() {
  // If this page is the response to a form, the browser must not send the form again.
  history.replaceState(history.state, "", location.href);
  location.reload();
}

channel.addEventListener("message", ({ data }) => {
  if (data === "signed-in" || data === "signed-out") reload();
});

// The browser may restore this page from its back-forward cache, from before a log-out.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) reload();
});

// The forms that begin or end a session.
const FORMS = ["/login", "/login/second-factor", "/logout", "/reset", "/signup"];

// This event also follows `form.submit()`, but not a submission that was cancelled. When the page
// is left, the server has answered. The other tabs ask it whether their session has ended, because
// the form may have been rejected.
addEventListener("formdata", ({ target }) => {
  const actions = [target, ...target.querySelectorAll("[formaction]")].map(
    (element) => element.getAttribute("formaction") ?? element.getAttribute("action") ?? "",
  );
  const paths = actions.map((action) => new URL(action, document.baseURI).pathname);
  if (!paths.some((path) => FORMS.includes(path))) return;
  // The log-in page of Latchkey then does not suggest a passkey at once.
  if (paths.includes("/logout")) localStorage.setItem("signed_out", "yes");
  addEventListener("pagehide", () => channel.postMessage("signed-out"), { once: true });
});
