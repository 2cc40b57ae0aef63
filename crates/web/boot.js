// Loads the application. This is a separate file because the Content-Security-Policy forbids
// inline scripts.
import init from "./web.js";

// The server has written the name of the app into the title.
const app = document.title;
const failure = document.getElementById("failure").content;

// Replaces the page, and all private data on it. After a panic or an uncaught exception, the
// application is in an undefined state and no longer responds.
function fail() {
    if (failure.childElementCount === 0) return;
    document.body.replaceChildren(failure);
    document.querySelector("main button").addEventListener("click", () => location.reload());
    document.querySelector("main h1").focus();
    document.title = `Something went wrong · ${app}`;
}

function guard(call) {
    return (...args) => {
        try {
            return call(...args);
        } catch (error) {
            fail();
            throw error;
        }
    };
}

// Guards all functions of the module, once. The event `error` would not be enough: if the script of
// an extension throws, the event does not say whether the exception interrupted the application.
//
// If a proxy changes the content type of the module, `instantiateStreaming` fails. `web.js` then
// uses `instantiate`, as in a browser without `instantiateStreaming`.
const original = {};
for (const name of ["instantiateStreaming", "instantiate"]) {
    const instantiate = WebAssembly[name];
    if (!instantiate) continue;
    original[name] = instantiate;
    WebAssembly[name] = async (...args) => {
        const { instance, module } = await instantiate(...args);
        Object.assign(WebAssembly, original);
        const exports = { ...instance.exports };
        for (const [name, value] of Object.entries(exports)) {
            if (typeof value === "function") exports[name] = guard(value);
        }
        return { instance: { exports }, module };
    };
}

// The application sends this event if it cannot remove private data from the page. It continues to
// run, so that a log-out is completed.
addEventListener("latchkey-failure", fail);

// If an extension has replaced the elements of the whole application, it receives no clicks.
const root = document.getElementById("app");
addEventListener("click", () => {
    if (!root.isConnected) fail();
});

// Browsers limit how often these may be called (Safari: 100 times in 30 s), and throw above that
// limit. The router panics if they throw. Ignoring the exception leaves the page as it is.
for (const name of ["pushState", "replaceState"]) {
    history[name] = (...args) => {
        try {
            History.prototype[name].apply(history, args);
        } catch {}
    };
}

init().catch(fail);
