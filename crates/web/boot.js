// Loads the application. A file of its own, because the Content-Security-Policy allows no
// inline script.
import init from "./web.js";

// A browser may refuse these calls if there are too many at once (Safari: 100 in 30 s). The router
// treats a refusal as fatal; without it, the page just stays where it is.
for (const name of ["pushState", "replaceState"]) {
    history[name] = (...args) => {
        try {
            History.prototype[name].apply(history, args);
        } catch {}
    };
}

init();
