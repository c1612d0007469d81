// Who is signed in. With a name and a password the server keeps the session in a cookie that no script can read; a token
// is kept in memory and forgotten when the page is closed.
import type { Role, SessionAnswer } from "./answers";
import { call, type Credentials, headersOf, pathOf, RestError } from "./rest";

export interface Session {
    operator: string;
    role: Role | null;    // null: a token does not tell
    merchants: string[];  // whom one may choose among; none to choose when there is one
    credentials: Credentials;
}

export function sessionOf(answer: SessionAnswer): Session {
    const session = { operator: answer.operator, role: answer.role, merchants: answer.merchants };
    const [first, second] = answer.merchants;
    // The only one need not be named.
    const chosen = first !== undefined && second !== undefined ? { merchant: first } : {};
    return { ...session, credentials: { csrf: answer.csrf_token, ...chosen } };
}

export function withMerchant(session: Session, merchant: string): Session {
    return { ...session, credentials: { ...session.credentials, merchant } };
}

// The session that the browser's cookie stands for; null when there is none.
export async function restored(): Promise<Session | null> {
    try {
        return sessionOf(await call<SessionAnswer>("/session", { headers: headersOf({}, false) }));
    } catch (fault) {
        if (fault instanceof RestError && fault.status !== 0 && fault.status < 500) return null;
        throw fault;
    }
}

export async function signIn(name: string, password: string): Promise<Session> {
    try {
        const answer = await call<SessionAnswer>("/session", {
            method: "POST",
            headers: { ...headersOf({}, false), "Content-Type": "application/json" },
            body: JSON.stringify({ name, password }),
        });
        return sessionOf(answer);
    } catch (fault) {
        if (!(fault instanceof RestError)) throw fault;
        if (fault.status === 401) throw new RestError(401, "The name or the password is wrong.");
        if (fault.status === 404 || fault.status === 405)
            throw new RestError(fault.status, "This server does not sign people in by name. Use a token.");
        if (fault.status === 429) throw new RestError(429, lockedWords(fault.retryAfter));
        throw fault;
    }
}

export function lockedWords(seconds: number): string {
    if (seconds <= 0) return "Too many attempts. Try again later.";
    const time = seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
    return `Too many attempts. Try again in ${time}.`;
}

export async function signInByToken(token: string, merchant: string): Promise<Session> {
    const credentials = { bearer: token, ...(merchant ? { merchant } : {}) };
    try {
        await call(pathOf("/api/v1/summary", { merchant }), { headers: headersOf(credentials, false) });
    } catch (fault) {
        if (fault instanceof RestError && fault.status === 401)
            throw new RestError(401, "The token is not known, has expired or was revoked.");
        throw fault;
    }
    return { operator: "token", role: null, merchants: [], credentials };
}

export async function signOut(session: Session): Promise<void> {
    if (session.credentials.bearer) return;
    try {
        await call("/session", { method: "DELETE", headers: headersOf(session.credentials, true) });
    } catch (fault) {
        if (!(fault instanceof RestError && fault.status === 401)) throw fault;
    }
}
