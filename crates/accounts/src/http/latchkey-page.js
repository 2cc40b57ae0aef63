// For server-rendered pages of signed-in users: reloads them after a log-in or log-out in another
// tab. The server then decides what the user of this browser may see.

// `/latchkey.js` has the same channel, so that a page does not hear of its own log-in or log-out.
const channel = (globalThis[Symbol.for("latchkey")] ??= new BroadcastChannel("latchkey"));

// When a session has last ended in this browser. Latchkey's log-in page then does not suggest a
// passkey at once.
const SIGNED_OUT = "signed_out";
// The paths to which the form of the previous page may have been sent.
const SENT = "latchkey_sent";

// The forms that begin or end a session.
const FORMS = ["/login", "/login/second-factor", "/logout", "/reset", "/signup"];

/** Returns the result of `action`, or nothing if it fails. A browser may deny access to storage. */
function attempt(action) {
  try {
    return action();
  } catch {}
}

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

const announce = () => channel.postMessage("signed-out");

// The other tabs ask the server whether their session has ended. A form that was rejected has ended
// none, and a reload would discard what the user is typing there.
const sent = attempt(() => sessionStorage.getItem(SENT));
if (sent) {
  attempt(() => sessionStorage.removeItem(SENT));
  const [navigation] = performance.getEntriesByType("navigation");
  const isRejected = sent.split(",").includes(location.pathname) && !navigation?.redirectCount;
  if (!isRejected && location.pathname !== "/login/second-factor") announce();
}

// The server may have rendered this page before a log-out that the page did not hear of. A form that
// logged out just before the navigation to this page does not count. Clocks of browsers are coarse.
const signedOut = Number(attempt(() => localStorage.getItem(SIGNED_OUT)));
const now = Date.now();
if (signedOut > now - performance.now() + 10 && signedOut <= now) reload();

/** Removes the token of a session that a form has ended. */
async function removeToken() {
  const token = sessionStorage.getItem("access_token");
  if (!token || !signedOut) return;
  const claims = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
  const { sid, exp } = JSON.parse(claims);
  // The server rejects an expired token, even if the session is active.
  if (exp * 1000 < now) return;
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch("/api/me", { headers, credentials: "omit" });
  const isRejected = /^bearer\b/i.test(response.headers.get("WWW-Authenticate"));
  if (response.status !== 401 || !isRejected) return;
  if (sessionStorage.getItem("access_token") === token) sessionStorage.removeItem("access_token");
  if (localStorage.getItem("remember") === sid) localStorage.removeItem("remember");
}
removeToken().catch(() => {});

const pathOf = (url) => attempt(() => new URL(url || location.href, document.baseURI).pathname);

// This event also follows `form.submit()`, but not a submission that was cancelled.
addEventListener("formdata", ({ target }) => {
  const isOwn = ({ form }) => form === target;
  const buttons = [...document.querySelectorAll("[formaction]")].filter(isOwn);
  const actions = buttons.map((button) => button.getAttribute("formaction"));
  const paths = [target.getAttribute("action"), ...actions].map(pathOf);
  const forms = paths.filter((path) => FORMS.includes(path));
  if (!forms.length) return;
  const isLogOut = forms.includes("/logout");
  if (isLogOut) attempt(() => localStorage.setItem(SIGNED_OUT, Date.now()));
  const isStored = !isLogOut && attempt(() => (sessionStorage.setItem(SENT, forms), true));
  // The page after a log-out may be without this script. When this page is left, the server has
  // answered.
  if (!isStored) addEventListener("pagehide", announce, { once: true });
});
