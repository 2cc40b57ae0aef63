/** Options of {@link createClient}. */
export interface ClientOptions {
  /**
   * The path of the API, such as `/auth`, or its URL, such as `https://auth.example.com/api`. The
   * default is `/api`.
   */
  base?: string;
}

/** Returns the client of a service. Create one per page. */
export function createClient(options?: ClientOptions): Client;

/** The client of a service, which keeps the session of this tab. */
export interface Client {
  /** Creates an account. It does not log in. Rejects with an {@link AuthError}. */
  signUp(account: { email: string; password: string; invitation?: string }): Promise<Account>;

  /**
   * Logs in. With `remember`, the session outlives the browser, and new tabs are signed in.
   *
   * If the account requires a second factor, continue with {@link completeLogin}. Otherwise, the
   * tab is signed in. Rejects with an {@link AuthError}.
   */
  login(credentials: { email: string; password: string; remember?: boolean }): Promise<LoginOutcome>;

  /**
   * Completes a log-in with a second factor. A wrong one does not use up the ticket. Rejects with
   * an {@link AuthError}; with the code `invalid_ticket`, start over with {@link login}.
   */
  completeLogin(second: { ticket: string } & SecondFactor): Promise<LoginOutcome>;

  /**
   * Logs in with a passkey that the user selects in a dialog of the browser. Rejects with an
   * {@link AuthError}, or with a `DOMException` if the user cancels.
   */
  loginWithPasskey(options?: { remember?: boolean }): Promise<LoginOutcome>;

  /**
   * Asks the browser for a passkey, as the `credential` for {@link completeLogin}. Rejects like
   * {@link loginWithPasskey}.
   */
  passkey(ticket?: string): Promise<object>;

  /**
   * Logs out. The tab is signed out at once. Then the session is ended on the service. If that
   * fails, rejects with an {@link AuthError}: the session may still be active on the service.
   */
  logout(): Promise<void>;

  /**
   * Sends a request like `fetch`, with the access token if the tab is signed in. If the token is
   * rejected or about to expire, it is refreshed, and a rejected request is sent once more. A
   * request with a `ReadableStream` as its body is not repeated.
   *
   * The token is only sent to the origin of the service. Requests to other origins are sent without
   * it. A redirect to another origin fails.
   *
   * Resolves for error statuses, like `fetch`. If the session has ended, resolves with a response
   * of status 401. If the token could not be refreshed because of that, the request is not sent,
   * because the session cookie may belong to another user. Rejects with an {@link AuthError} if
   * there is no response, or if the refresh failed. The tab is then still signed in, and the request
   * can be tried again. Otherwise, for example if the request is aborted, rejects like `fetch`.
   *
   * If the tab is signed out before the call, sends the request like `fetch`, with the cookies. A
   * route that accepts the session cookie then responds to the user of the whole browser.
   *
   * A log-out does not abort requests in progress. In {@link watch}, pass `signal` to the request.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;

  /**
   * Returns the user, or `null` if the tab is signed out, or was signed out during the request.
   * Sends a request on every call. Rejects with an {@link AuthError} if the service cannot be
   * reached, or fails. The tab is then still signed in, and the call can be tried again.
   */
  user(): Promise<User | null>;

  /**
   * Calls `show` with the user, or with `null` if the tab is signed out: now, and after each change
   * that {@link onChange} reports. If the user is known to have changed, or if the browser has
   * restored the page from its back-forward cache, calls it with `null` before it asks the service
   * for the user.
   *
   * The next change aborts `signal`. Pass it to {@link fetch}, and do nothing after an `await` if
   * it is aborted, so that a late response does not bring back the data of an earlier user.
   *
   * Calls `onError` if `show` throws or rejects, or with an {@link AuthError} if the user could not
   * be loaded, but not if `signal` is aborted. The default is `reportError`. Returns a function
   * that stops watching, and aborts `signal`.
   */
  watch(
    show: (user: User | null, signal: AbortSignal) => void | Promise<void>,
    onError?: (error: unknown) => void,
  ): () => void;

  /**
   * Calls `listener` when the tab is signed in or out, also because of another tab, or if the
   * session has ended elsewhere, when another tab has changed the account, and when the browser has
   * restored the page from its back-forward cache. It is not called for the state at the start.
   * Returns a function that removes the listener.
   */
  onChange(listener: (signedIn: boolean) => void): () => void;
}

/** The outcome of a log-in, or of its first step. */
export type LoginOutcome =
  | { status: "signed_in" }
  | {
      status: "second_factor_required";
      /** Identifies the log-in in its second step. Keep it in memory only. */
      ticket: string;
      /** The second factors of the account. */
      factors: FactorKind[];
      /** The number of seconds for which the ticket is valid. */
      expires_in: number;
    };

/** A kind of second factors. */
export type FactorKind = "totp" | "passkey" | "recovery_code";

/** A second factor: a code from an app, a recovery code, or a passkey. */
export type SecondFactor = { code: string } | { recovery_code: string } | { credential: object };

/** A new account. */
export interface Account {
  id: string;
  email: string;
  /** RFC 3339, in UTC. */
  created_at: string;
}

/** The user of a session. */
export interface User extends Account {
  /** RFC 3339, in UTC. `null` if the email address is not verified. */
  email_verified_at: string | null;
  /** `true` if logging in requires a second factor. */
  second_factor: boolean;
  /** `true` if the service requires a second factor, and the user has none yet. */
  second_factor_enrolment_required: boolean;
  /** The number of seconds until the session expires, if it is not used. */
  session_expires_in: number;
  /** The roles of the user, sorted. */
  roles: string[];
}

/**
 * Returns `next` if it is a path of this origin, and otherwise `null`. A log-in page must check with
 * it the path that it opens after the log-in: browsers read `//host` and `/\host`, for example, as
 * the address of another host.
 */
export function safeNext(next: string | null): string | null;

/** An error from a request to the service. Its message is a sentence for users, in English. */
export class AuthError extends Error {
  /** The HTTP status, or 0 if the service did not respond. */
  readonly status: number;
  /** The error code of the service, if the response has one. */
  readonly code: string | undefined;
  /** The rejected fields. */
  readonly errors: readonly FieldError[];
  /** The number of seconds after which another attempt may succeed, if the response says so. */
  readonly retryAfter: number | undefined;
}

/** A rejected field. */
export interface FieldError {
  field: string;
  code: string;
  /** A message for people, in English. */
  message: string;
}
