// Reloads the page when `cargo xtask serve --watch` has finished a build.
const INTERVAL = 1000; // milliseconds

/** Returns the number of the build, or null while none is served, such as during a restart. */
async function build() {
  try {
    const response = await fetch("/assets/reload.txt", { cache: "no-store" });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}

let current = await build();
setInterval(async () => {
  const next = await build();
  if (current === null) {
    current = next;
  } else if (next !== null && next !== current) {
    location.reload();
  }
}, INTERVAL);
