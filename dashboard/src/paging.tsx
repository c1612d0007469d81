// Keyset paging: a list gives the cursor of the page after it, so the way back is what was walked.
import { useEffect, useState } from "preact/hooks";

export interface Paging {
    after: string;  // the cursor of the page that is shown
    number: number;
    back: (() => void) | null;
    on(next: string): void;
}

// Begins anew when `key` changes: cursors of one list mean nothing in another.
export function usePaging(key: string): Paging {
    const [walked, setWalked] = useState<{ key: string; cursors: string[] }>({ key, cursors: [] });
    useEffect(() => setWalked({ key, cursors: [] }), [key]);
    const cursors = walked.key === key ? walked.cursors : [];
    return {
        after: cursors[cursors.length - 1] ?? "",
        number: cursors.length + 1,
        back: cursors.length > 0 ? () => setWalked({ key, cursors: cursors.slice(0, -1) }) : null,
        on: (next) => setWalked({ key, cursors: [...cursors, next] }),
    };
}

export function Pager({ paging, next, words = ["Previous", "Next"] }: { paging: Paging; next: string | null; words?: [string, string] }) {
    if (paging.back === null && next === null) return null;
    return (
        <nav class="paging" aria-label="Pages of the list">
            <button type="button" disabled={paging.back === null} onClick={() => paging.back?.()}>← {words[0]}</button>
            <span class="muted">Page {paging.number}</span>
            <button type="button" disabled={next === null} onClick={() => next !== null && paging.on(next)}>{words[1]} →</button>
        </nav>
    );
}
