// The live stream: one connection while the page is visible, opened again when it breaks, later and later.
import type { MovedOrder, Summary } from "./answers";
import { EventStreamReader } from "./event_stream";
import { type Credentials, headersOf, pathOf } from "./rest";

export type LiveState = "connecting" | "live" | "away" | "paused";

export interface LiveListener {
    onState(state: LiveState): void;
    onCounts(counts: Summary): void;
    onOrder(order: MovedOrder): void;
    onMissed(): void;   // something may have moved unheard: look again
    onRefused(): void;  // whoever asks is not signed in any more
}

const firstPause = 1000, longestPause = 30000;

export function pauseAfter(failures: number, chance: number): number {
    const cap = Math.min(longestPause, firstPause * 2 ** Math.min(failures, 10));
    return cap / 2 + (cap / 2) * chance;
}

// Answers what ends it. A browser allows six connections to a server, so a hidden page gives its own back.
export function listenLive(credentials: Credentials, listener: LiveListener): () => void {
    let ended = false;
    let failures = 0;
    let abort: AbortController | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const open = async () => {
        clearTimeout(timer);
        if (ended) return;
        if (document.hidden) {
            listener.onState("paused");
            return;
        }
        listener.onState("connecting");
        const controller = new AbortController();
        abort = controller;
        try {
            const headers = { ...headersOf(credentials, false), Accept: "text/event-stream" };
            const response = await fetch(pathOf("/api/v1/live", { merchant: credentials.merchant }), { headers, cache: "no-store", signal: controller.signal });
            if (response.status === 401) return listener.onRefused();
            if (!response.ok || !response.body) throw new Error(String(response.status));
            listener.onState("live");
            listener.onMissed();
            await read(response.body, listener, () => (failures = 0));
        } catch {
            // Told below: every end of a stream is one to come back from.
        }
        if (ended || abort !== controller) return;
        listener.onState("away");
        timer = setTimeout(() => void open(), pauseAfter(failures++, Math.random()));
    };
    const onVisibility = () => {
        abort?.abort();
        abort = null;
        void open();
    };
    document.addEventListener("visibilitychange", onVisibility);
    void open();
    return () => {
        ended = true;
        clearTimeout(timer);
        document.removeEventListener("visibilitychange", onVisibility);
        abort?.abort();
    };
}

async function read(body: ReadableStream<Uint8Array>, listener: LiveListener, onAnything: () => void): Promise<void> {
    const decoder = new TextDecoder();
    const reader = body.getReader();
    const events = new EventStreamReader();
    for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        onAnything();
        for (const event of events.push(decoder.decode(value, { stream: true }))) {
            if (event.name === "counts") listener.onCounts(JSON.parse(event.data) as Summary);
            if (event.name === "order") listener.onOrder(JSON.parse(event.data) as MovedOrder);
            if (event.name === "missed") listener.onMissed();
        }
    }
}
