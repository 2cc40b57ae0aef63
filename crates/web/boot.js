// Loads the application. A file of its own, because the Content-Security-Policy allows no
// inline script.
import init from "./web.js";

init();
