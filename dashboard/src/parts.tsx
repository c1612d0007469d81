// Small pieces that all pages are made of.
import type { ComponentChildren } from "preact";
import { age, moment, spaced } from "./format";
import { useNow, type Loaded } from "./state";
import { meaningOf, toneOf } from "./words";

export function StateBadge({ state }: { state: string }) {
    return <span class={`badge tone-${toneOf(state)}`} title={meaningOf(state)}>{spaced(state)}</span>;
}

export type MarkTone = "good" | "warn" | "bad" | "plain";

export function Mark({ tone, children }: { tone: MarkTone; children: ComponentChildren }) {
    return <span class={`badge mark-${tone}`}>{children}</span>;
}

export function Ago({ at }: { at: string }) {
    const now = useNow();
    return <time dateTime={at} title={moment(at, now)}>{age(at, now)}</time>;
}

export function Moment({ at }: { at: string }) {
    return <time dateTime={at} title={at}>{moment(at, Date.now())}</time>;
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
    return <div class="empty"><p class="empty-title">{title}</p>{children ? <p>{children}</p> : null}</div>;
}

export function Fault({ text, again }: { text: string; again?: () => void }) {
    return (
        <div class="fault" role="alert">
            <span>{text}</span>
            {again ? <button type="button" onClick={again}>Try again</button> : null}
        </div>
    );
}

// What is loaded, or why it is not there. Old values stay under a fault, because something is better than nothing.
export function Shown<Value>({ loaded, children }: {
    loaded: Loaded<Value>;
    children: (value: Value) => ComponentChildren;
}) {
    return (
        <>
            {loaded.error ? <Fault text={loaded.error} again={loaded.reload} /> : null}
            {loaded.value !== null ? children(loaded.value) : loaded.loading ? <p class="loading">Loading…</p> : null}
        </>
    );
}

export function Section({ title, aside, children, id }: {
    title: string;
    aside?: ComponentChildren;
    children: ComponentChildren;
    id?: string;
}) {
    return (
        <section class="card" {...(id ? { id } : {})}>
            <header class="card-head"><h2>{title}</h2>{aside ? <div class="card-aside">{aside}</div> : null}</header>
            {children}
        </section>
    );
}

// A cell that still says what it is when the table becomes a list of cards on a narrow screen.
export function Cell({ label, children, number, wide }: {
    label: string;
    children?: ComponentChildren;
    number?: boolean;
    wide?: boolean;
}) {
    const classes = [number ? "number" : "", wide ? "wide" : "", children === "—" ? "nothing" : ""].filter(Boolean).join(" ");
    return <td data-label={label} class={classes}><div>{children}</div></td>;
}
