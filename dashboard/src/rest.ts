// Calls of the REST interface. Every answer is a value or a RestError whose text can be shown to people.

export class RestError extends Error {
    constructor(
        readonly status: number,  // 0: no answer at all
        detail: string,
        readonly retryAfter = 0,
    ) {
        super(detail);
    }
}

// How the calls prove who asks. A bearer token lives in memory only; the cookie is the browser's own.
export interface Credentials {
    bearer?: string;
    csrf?: string;
    merchant?: string;  // of several: whose orders are looked at
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface Calls {
    get<Answer>(path: string, query?: Query, signal?: AbortSignal): Promise<Answer>;
    post<Answer>(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export function headersOf(credentials: Credentials, mutating: boolean): Record<string, string> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (credentials.bearer) headers["Authorization"] = `Bearer ${credentials.bearer}`;
    if (mutating && credentials.csrf) headers["X-CSRF-Token"] = credentials.csrf;
    return headers;
}

export function pathOf(path: string, query: Query = {}): string {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "" && value !== false);
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return text ? `${path}?${text}` : path;
}

export async function call<Answer>(path: string, options: RequestInit): Promise<Answer> {
    let response: Response;
    try {
        response = await fetch(path, { cache: "no-store", credentials: "same-origin", redirect: "error", ...options });
    } catch (fault) {
        if (fault instanceof DOMException && fault.name === "AbortError") throw fault;
        throw new RestError(0, "The server cannot be reached.");
    }
    const text = await response.text();
    const body = parsed(text);
    if (response.ok) return body as Answer;
    throw new RestError(response.status, words(response.status, body), Number(response.headers.get("Retry-After") ?? 0));
}

export function callsFor(credentials: Credentials, onSignedOut: () => void): Calls {
    const { merchant } = credentials;
    const watched = async <Answer>(path: string, options: RequestInit): Promise<Answer> => {
        try {
            return await call<Answer>(path, options);
        } catch (fault) {
            if (fault instanceof RestError && fault.status === 401) onSignedOut();
            throw fault;
        }
    };
    return {
        get: (path, query, signal) =>
            watched(`/api/v1${pathOf(path, { ...query, merchant })}`, { headers: headersOf(credentials, false), ...(signal ? { signal } : {}) }),
        post: (path, body, headers = {}) =>
            watched(`/api/v1${pathOf(path, { merchant })}`, {
                method: "POST",
                headers: { ...headersOf(credentials, true), "Content-Type": "application/json", ...headers },
                body: JSON.stringify(body),
            }),
    };
}

function parsed(text: string): unknown {
    try {
        return text ? JSON.parse(text) : null;
    } catch {
        return null;
    }
}

// The server's own words where it gave any.
export function words(status: number, body: unknown): string {
    const detail = typeof body === "object" && body !== null ? (body as { detail?: unknown }).detail : undefined;
    if (status === 401) return "You are not signed in any more.";
    if (status === 403) return "Your role may not do that.";
    if (status === 412) return "The order has changed meanwhile. Look at it again, then repeat it.";
    if (typeof detail === "string" && detail) return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`;
    if (status === 404) return "There is no such thing.";
    if (status === 429) return "Too many requests at once. Try again in a moment.";
    if (status >= 500) return "The server could not answer. Try again in a moment.";
    return `The server refused it (${status}).`;
}

// A key of 128 random bits; crypto.randomUUID() is missing on plain http.
export function newKey(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
