// Compares the types of the browser client with the OpenAPI document, and uses all of its functions.
// This program is only compiled. The end-to-end tests run the client in a browser.

import {
  type Account,
  AuthError,
  type Client,
  createClient,
  type FactorKind,
  type FieldError,
  type LoginOutcome,
  safeNext,
  type User,
} from "latchkey";
import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** `true` if the types accept the same values. */
type Same<A, B> = [A, B] extends [B, A] ? true : false;

export const user: Same<User, Schemas["Me"]> = true;
export const account: Same<Account, Schemas["User"]> = true;
export const factor: Same<FactorKind, Schemas["FactorKind"]> = true;
export const field: Same<keyof FieldError, keyof Schemas["FieldError"]> = true;

const client: Client = createClient({ base: "https://auth.example.com/api" });
const credentials = { email: "ada@example.com", password: "a long walk along the sea" };

export async function use(): Promise<string> {
  try {
    const account: Account = await client.signUp({ ...credentials, invitation: "an invitation" });
    const outcome: LoginOutcome = await client.login({ ...credentials, remember: true });
    if (outcome.status === "second_factor_required") {
      const { ticket, factors } = outcome;
      if (factors.includes("passkey")) {
        await client.completeLogin({ ticket, credential: await client.passkey(ticket) });
      } else {
        await client.completeLogin({ ticket, code: "123456" });
      }
    }
    await client.loginWithPasskey({ remember: false });
    const stop: () => void = client.onChange((signedIn: boolean) => console.log(signedIn));
    const show = async (user: User | null, signal: AbortSignal): Promise<void> => {
      const shown = user && (await client.fetch("/private", { signal }));
      console.log(shown?.ok, safeNext(new URLSearchParams(location.search).get("next")));
    };
    const stopped: () => void = client.watch(show, (error) => console.error(error));
    client.watch((user) => console.log(user?.email))();
    stopped();
    const response = await client.fetch("/private", { method: "POST", body: account.id });
    const user: User | null = await client.user();
    await client.logout();
    stop();
    // @ts-expect-error: the second factor is missing
    await client.completeLogin({ ticket: "" });
    return user?.email ?? (await response.text());
  } catch (error) {
    if (error instanceof AuthError) {
      return `${error.status} ${error.code ?? ""} ${error.errors[0]?.message} ${error.retryAfter ?? 0}`;
    }
    throw error;
  }
}
