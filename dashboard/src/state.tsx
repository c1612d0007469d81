// What all pages share: the calls, the live stream's news, and values that are loaded and loaded again.
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import type { MovedOrder, Summary } from "./answers";
import type { LiveState } from "./live";
import { type Calls, RestError } from "./rest";
import type { Session } from "./session";

export interface Shared {
    session: Session;
    calls: Calls;
    counts: Summary | null;
    live: LiveState;
    // Tells of every order that moved (null: some moved unheard); answers what ends it.
    onMoved(listener: (order: MovedOrder | null) => void): () => void;
    say(text: string): void;
}

export const SharedContext = createContext<Shared | null>(null);

export function useShared(): Shared {
    const shared = useContext(SharedContext);
    if (!shared) throw new Error("used outside of the signed-in part");
    return shared;
}

export interface Loaded<Value> {
    value: Value | null;
    error: string;
    loading: boolean;
    reload(): void;
}

export function textOf(fault: unknown): string {
    if (fault instanceof RestError) return fault.message;
    return "Something went wrong in this page. Reload it; if it happens again, tell who runs the server.";
}

// What asked for a key that is not the present one is neither shown nor waited for.
interface Held<Value> {
    key: string;
    value: Value | null;
    error: string;
    loading: boolean;
}

// Loads when `key` changes and whenever asked to. What is shown stays until the new value is there.
export function useLoaded<Value>(key: string, load: (signal: AbortSignal) => Promise<Value>): Loaded<Value> {
    const nothing: Held<Value> = { key, value: null, error: "", loading: true };
    const [state, setState] = useState(nothing);
    const [turn, setTurn] = useState(0);
    const latest = useRef(load);
    latest.current = load;
    useEffect(() => {
        const controller = new AbortController();
        // A fault stays to be read until the next answer is there.
        setState((old) => (old.key === key ? { ...old, loading: true } : nothing));
        latest.current(controller.signal).then(
            (value) => {
                if (!controller.signal.aborted) setState({ key, value, error: "", loading: false });
            },
            (fault) => {
                if (controller.signal.aborted) return;
                setState((old) => ({ ...(old.key === key ? old : nothing), error: textOf(fault), loading: false }));
            });
        return () => controller.abort();
    }, [key, turn]);
    const reload = useCallback(() => setTurn((old) => old + 1), []);
    const { value, error, loading } = state.key === key ? state : nothing;
    return { value, error, loading, reload };
}

// Calls `reload` soon after an order moved that `concerns` it, and not again within `pause`.
export function useMoves(reload: () => void, concerns: (order: MovedOrder) => boolean, pause = 1500): void {
    const { onMoved } = useShared();
    const latest = useRef({ reload, concerns });
    latest.current = { reload, concerns };
    useEffect(() => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        let last = 0;
        const end = onMoved((order) => {
            if (timer || (order && !latest.current.concerns(order))) return;
            timer = setTimeout(() => {
                timer = undefined;
                last = Date.now();
                latest.current.reload();
            }, Math.max(150, last + pause - Date.now()));
        });
        return () => {
            clearTimeout(timer);
            end();
        };
    }, [onMoved, pause]);
}

// Calls `reload` every `pause` while the page is visible: for what no order's move tells of. Null: not now.
export function useEvery(pause: number | null, reload: () => void): void {
    const latest = useRef(reload);
    latest.current = reload;
    useEffect(() => {
        if (pause === null) return;
        const timer = setInterval(() => {
            if (!document.hidden) latest.current();
        }, pause);
        return () => clearInterval(timer);
    }, [pause]);
}

const watchers = new Set<(now: number) => void>();
let clock: ReturnType<typeof setInterval> | undefined;

function tick(): void {
    const now = Date.now();
    watchers.forEach((watcher) => watcher(now));
}

// The present, once a second: one clock for all that show it.
export function useNow(): number {
    const [now, setNow] = useState(Date.now());
    useEffect(() => {
        watchers.add(setNow);
        clock ??= setInterval(tick, 1000);
        return () => {
            watchers.delete(setNow);
            if (watchers.size > 0) return;
            clearInterval(clock);
            clock = undefined;
        };
    }, []);
    return now;
}
