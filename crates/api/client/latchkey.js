// The browser client of a Latchkey service. latchkey.d.ts documents it.
//
// The access token is in `sessionStorage`, so it belongs to this tab. The refresh token is in a
// cookie that scripts cannot read, and that all tabs share. Latchkey's own pages use the same
// storage, lock and channel, so both can be on one origin.

const TOKEN = "access_token";
const REMEMBERED = "remember";
const LOCK = "latchkey-refresh";

/** No service responded, or a proxy responded instead of the service. */
const LOST = [0, 502, 504];

const UNREACHABLE = "The service cannot be reached. Check your connection and try again.";
const FAILED = "Something went wrong. Try again later.";
const ENDED = { status: 401, code: "missing_token", detail: "Your session has ended." };

export class AuthError extends Error {
  constructor(status, { code, detail, errors } = {}, retryAfter) {
    super(errors?.[0]?.message || detail || (status ? FAILED : UNREACHABLE));
    this.name = "AuthError";
    this.status = status;
    this.code = code;
    this.errors = errors || [];
    this.retryAfter = retryAfter;
  }
}

export const safeNext = (next) => (/^\/(?!\/)[^\\\p{Cc}]*$/u.test(next) ? next : null);

export function createClient({ base = "/api" } = {}) {
  const api = new URL(base.replace(/\/?$/, "/"), location.href);
  const [tab, browser] = [sessionStorage, localStorage];
  // `/latchkey-page.js` has the same channel, so that it does not hear what this page sends.
  const channel = (globalThis[Symbol.for("latchkey")] ??= new BroadcastChannel("latchkey"));
  const listeners = new Set();

  // Incremented whenever a session begins or ends in this tab. A request of one session must not
  // change the next one, nor be repeated in it.
  let session = 0;
  // When the token must be refreshed. After a page load, that is not known.
  let deadline = Infinity;
  // The running refresh. Concurrent requests share it.
  let refreshing = null;
  // The remembered session that this tab must not use, because its own session has ended.
  let declined = null;
  let firstStep = {};

  const token = () => tab.getItem(TOKEN);
  const remembered = () => browser.getItem(REMEMBERED);
  const mayBeSignedIn = () => !!token() || (!!remembered() && remembered() !== declined);

  // What the listeners were called with.
  let known = mayBeSignedIn();

  function changed(isRestored) {
    known = mayBeSignedIn();
    for (const listener of [...listeners]) {
      try {
        listener(known, isRestored);
      } catch (error) {
        reportError(error);
      }
    }
  }

  // The signature is not verified: the claims are only compared.
  function claims(token) {
    try {
      return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    } catch {
      return {};
    }
  }

  /** Runs a request that replaces the cookie, while no other tab runs one. */
  async function locked(request) {
    let granted;
    const hold = () => ((granted = true), request());
    try {
      // After the timeout, the tab that holds the lock must be frozen.
      const signal = AbortSignal.timeout(25_000);
      return await navigator.locks.request(LOCK, { signal }, hold);
    } catch (error) {
      // Without TLS, there are no locks. The service accepts requests of several tabs at once.
      if (granted) throw error;
      return request();
    }
  }

  async function post(path, body, { bearer, keepalive, timeout = 30_000 } = {}) {
    const headers = { Accept: "application/json", "Content-Type": "application/json" };
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    let response, data;
    try {
      response = await fetch(new URL(path, api), {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        credentials: "include",
        redirect: "error",
        keepalive,
        signal: AbortSignal.timeout(timeout),
      });
      data = await response.text();
    } catch {
      throw new AuthError(0);
    }
    return read(response, data);
  }

  function read(response, text) {
    let data;
    try {
      data = JSON.parse(text || "{}");
    } catch {}
    if (data && (response.ok || data.code === "second_factor_required")) return data;
    const seconds = Number(response.headers.get("Retry-After")) || undefined;
    throw new AuthError(response.ok ? 0 : response.status, data || {}, seconds);
  }

  function store({ access_token, expires_in }) {
    tab.setItem(TOKEN, access_token);
    const lifetime = expires_in * 1000;
    deadline = performance.now() + lifetime - Math.min(10_000, lifetime / 10);
  }

  async function signIn(path, body, remember) {
    const answer = await locked(() => post(path, body));
    const { code, ticket, factors, expires_in } = answer;
    if (code) {
      firstStep = { ticket, remember };
      return { status: code, ticket, factors, expires_in };
    }
    session++;
    refreshing = declined = null;
    firstStep = {};
    store(answer);
    if (remember) browser.setItem(REMEMBERED, claims(answer.access_token).sid);
    else browser.removeItem(REMEMBERED);
    browser.removeItem("signed_out");
    changed();
    // Pages that were rendered for the user before must not be used by this one.
    channel.postMessage("signed-in");
    return { status: "signed_in" };
  }

  /** Ends the session in this tab, without a request. */
  function end() {
    session++;
    refreshing = null;
    deadline = Infinity;
    tab.removeItem(TOKEN);
    declined = remembered();
    browser.setItem("signed_out", Date.now());
    changed();
  }

  // If the response is lost, the service accepts the same cookie once more. The first attempt must
  // have ended by then, because the browser keeps the cookie of the response that arrives last.
  async function requestRefresh() {
    try {
      return await post("token/refresh", {}, { keepalive: true, timeout: 8_000 });
    } catch (error) {
      if (!LOST.includes(error.status)) throw error;
      return post("token/refresh", {}, { keepalive: true, timeout: 15_000 });
    }
  }

  async function refresh() {
    const started = session;
    const user = claims(token()).sub;
    let answer;
    try {
      answer = await locked(requestRefresh);
    } catch (error) {
      if (error.code !== "invalid_refresh_token") throw error;
    }
    if (session !== started) return null;
    if (!answer) browser.removeItem(REMEMBERED);
    // The cookie may belong to another user, who has logged in in another tab.
    if (!answer || (user && claims(answer.access_token).sub !== user)) {
      end();
      return null;
    }
    store(answer);
    return answer.access_token;
  }

  /** Returns the token that replaces `old`, or null if the session has ended. */
  function refreshed(old) {
    if (token() !== old) return token();
    if (!refreshing) {
      const running = (refreshing = refresh());
      const done = () => refreshing === running && (refreshing = null);
      running.then(done, done);
    }
    return refreshing;
  }

  async function isRejected(response) {
    if (response.status !== 401) return false;
    if (/^bearer\b/i.test(response.headers.get("WWW-Authenticate"))) return true;
    // To a page of another origin, the header is not visible.
    const problem = await response.clone().json().catch(() => null);
    return ["invalid_token", "missing_token"].includes(problem?.code);
  }

  async function authorized(input, init) {
    const url = new URL(input instanceof Request ? input.url : input, document.baseURI);
    const isSigned = url.origin === api.origin && mayBeSignedIn();
    // A redirect to another origin would take the token there, in browsers before 2023.
    const safe = api.origin === location.origin ? { mode: "same-origin" } : { redirect: "error" };
    const send = (bearer) => {
      const source = input instanceof Request ? input.clone() : input;
      const request = new Request(source, isSigned ? { ...init, ...safe } : init);
      if (bearer) request.headers.set("Authorization", `Bearer ${bearer}`);
      return fetch(request).catch((error) => {
        throw error instanceof TypeError ? new AuthError(0) : error;
      });
    };
    if (!isSigned) return send();
    const started = session;
    let used = token();
    if (!used || performance.now() >= deadline) used = await refreshed(used);
    // Without a token, the cookie would authenticate the request, perhaps as another user.
    if (!used) {
      (init?.signal ?? input.signal)?.throwIfAborted();
      const headers = { "Content-Type": "application/problem+json" };
      return new Response(JSON.stringify(ENDED), { status: 401, headers });
    }
    const response = await send(used);
    const canRepeat = !(init?.body instanceof ReadableStream);
    // Another user may have logged in meanwhile.
    if (!canRepeat || !(await isRejected(response)) || session !== started) return response;
    const fresh = await refreshed(used);
    return fresh ? send(fresh) : response;
  }

  async function user() {
    if (!mayBeSignedIn()) return null;
    const started = session;
    let response, text;
    try {
      response = await authorized(new URL("me", api));
      text = await response.clone().text();
    } catch (error) {
      if (session === started) throw error instanceof AuthError ? error : new AuthError(0);
    }
    if (response && (await isRejected(response)) && session === started) end();
    // If the session ended or was replaced during the request, the response is about the old one.
    return session === started ? read(response, text) : user();
  }

  function watch(show, onError = reportError) {
    let run, shown;
    const update = async (_, isRestored) => {
      run?.abort();
      const { signal } = (run = new AbortController());
      const pass = (user) => show((shown = user), signal);
      try {
        // Private content must not stay visible during the request.
        const isOther = shown && shown.id !== claims(token()).sub;
        if (!mayBeSignedIn() || isOther || isRestored) await pass(null);
        const current = await user();
        if (!signal.aborted && current !== shown) await pass(current);
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
    };
    listeners.add(update);
    update();
    return () => {
      listeners.delete(update);
      run.abort();
    };
  }

  async function passkey(ticket) {
    const options = await post("token/passkey/options", { ticket });
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  }

  async function logout() {
    if (!mayBeSignedIn()) return;
    const old = token();
    const { sid, sub } = claims(old);
    if (!sid || remembered() === sid) browser.removeItem(REMEMBERED);
    end();
    const started = session;
    const isEnded = (bearer) =>
      post("logout", {}, { bearer, keepalive: true, timeout: 5_000 }).then(
        () => true,
        (error) => {
          if (error.code !== "invalid_token" && error.code !== "missing_token") throw error;
        },
      );
    try {
      // An expired token cannot end its session.
      if ((old && (await isEnded(old))) || session !== started) return;
      const answer = await locked(requestRefresh);
      if (sub && claims(answer.access_token).sub !== sub) throw new AuthError(0);
      await isEnded(answer.access_token);
    } catch (error) {
      if (error.code !== "invalid_refresh_token") throw error;
    } finally {
      channel.postMessage("signed-out");
    }
  }

  /** Asks the service whether the session of this tab is still active. */
  const check = () => (mayBeSignedIn() ? user().catch(() => {}) : known && changed());
  channel.addEventListener("message", ({ data }) => {
    if (data === "signed-out") check();
    if (data === "user-changed" && token()) changed();
  });
  // Another tab has logged in or out, and the choice to stay logged in also applies to this one.
  addEventListener("storage", ({ key, newValue }) => {
    if (key === REMEMBERED && !token() && (newValue || known)) changed();
  });
  // In the back-forward cache, a page hears nothing.
  addEventListener("pageshow", ({ persisted }) => persisted && changed(true));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && listeners.size) check();
  });

  return {
    signUp: (account) => post("signup", account),
    login: (credentials) => signIn("token", credentials, credentials.remember),
    completeLogin: (second) =>
      signIn("token/second-factor", second, second.ticket === firstStep.ticket && firstStep.remember),
    loginWithPasskey: async ({ remember } = {}) =>
      signIn("token/passkey", { credential: await passkey(), remember }, remember),
    passkey,
    logout,
    fetch: authorized,
    user,
    watch,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
