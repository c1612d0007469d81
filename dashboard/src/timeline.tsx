// What happened to an order, newest first.
import { useState } from "preact/hooks";
import type { HistoryEntry } from "./answers";
import { count, spaced } from "./format";
import { Empty, Moment, StateBadge } from "./parts";

export function Timeline({ entries }: { entries: HistoryEntry[] }) {
    const [all, setAll] = useState(false);
    if (entries.length === 0) return <Empty title="Nothing yet" />;
    const newestFirst = [...entries].reverse();
    const shown = all ? newestFirst : newestFirst.slice(0, 30);
    return (
        <>
            <ol class="timeline">{shown.map((entry) => <TimelineEntry key={entry.version} entry={entry} />)}</ol>
            {shown.length < entries.length ? <button type="button" onClick={() => setAll(true)}>Show all {count(entries.length)}</button> : null}
        </>
    );
}

function TimelineEntry({ entry }: { entry: HistoryEntry }) {
    const moved = entry.from_state !== entry.to_state;
    const details = entry.details && Object.keys(entry.details).length > 0 ? entry.details : null;
    return (
        <li class={moved ? "moved" : ""}>
            <p class="timeline-head">
                <span class="strong">{spaced(entry.event)}</span>
                {moved ? <StateBadge state={entry.to_state} /> : null}
                <span class="muted when"><Moment at={entry.at} /></span>
            </p>
            {entry.note ? <p class="note">{entry.note}</p> : null}
            {entry.cause ? <p class="muted">{entry.cause}</p> : null}
            {details ? <details><summary>Details</summary><pre>{JSON.stringify(details, null, 2)}</pre></details> : null}
        </li>
    );
}
