// Loads the application. This is a separate file because the Content-Security-Policy forbids
// inline scripts.
import init from "./web.js";

// Browsers limit how often these may be called (Safari: 100 times in 30 s), and throw above that
// limit. The router panics if they throw. Ignoring the exception leaves the page as it is.
for (const name of ["pushState", "replaceState"]) {
    history[name] = (...args) => {
        try {
            History.prototype[name].apply(history, args);
        } catch {}
    };
}

init();
