// For pages that the server renders for users who are signed in: hides them after a log-out in
// another tab.

const channel = new BroadcastChannel("latchkey");

// Another tab has ended its session. The server knows whether it was that of this page.
channel.addEventListener("message", ({ data }) => {
  if (data === "signed-out") location.reload();
});

// The browser may show a page that it has kept since before the log-out.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

// When this page is left for the next one, the form to log out has ended the session. The client
// and the pages of Latchkey do the same after a log-out.
addEventListener("submit", ({ target }) => {
  if (target.getAttribute("action") !== "/logout") return;
  const tell = () => {
    sessionStorage.removeItem("access_token");
    localStorage.removeItem("remember");
    localStorage.setItem("signed_out", "yes");
    channel.postMessage("signed-out");
  };
  addEventListener("pagehide", tell, { once: true });
});
