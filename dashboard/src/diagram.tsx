// The state diagram, drawn by the server from the transition table and painted here: where the order is, how it came
// there, and where it can go.
import { useEffect, useRef } from "preact/hooks";
import type { Arrow, Diagram, Drawing, HistoryEntry } from "./answers";
import { spaced } from "./format";
import { toneOf } from "./words";

const kinds = ["forward", "aside", "back", "trouble", "resume"];

interface Walked {
    states: Set<string>;
    arrows: Set<string>;
}

export function walkedIn(history: HistoryEntry[]): Walked {
    const states = new Set<string>(), arrows = new Set<string>();
    for (const entry of history) {
        if (entry.from_state) states.add(entry.from_state);
        states.add(entry.to_state);
        if (entry.from_state && entry.from_state !== entry.to_state) arrows.add(`${entry.from_state} ${entry.to_state}`);
    }
    return { states, arrows };
}

export function StateDiagram({ diagram, history }: { diagram: Diagram; history: HistoryEntry[] }) {
    const { drawing, state } = diagram;
    const walked = walkedIn(history);
    const box = useRef<HTMLDivElement>(null);
    const live = drawing.states.find((one) => one.name === state);
    useEffect(() => {
        // On a narrow screen the picture is wider than the page: show the part that counts.
        const place = box.current;
        if (!place || !live) return;
        const scale = place.scrollWidth / drawing.width;
        place.scrollLeft = (live.left + live.width / 2) * scale - place.clientWidth / 2;
    }, [state]);
    const path = [...walked.states].map(spaced).join(", ");
    return (
        <div class="diagram" ref={box} tabIndex={0} role="img" aria-label={`The order is in state ${spaced(state)}. It has been in: ${path || spaced(state)}.`}>
            <svg viewBox={viewOf(drawing)} aria-hidden="true">
                <defs>
                    {kinds.map((kind) => (
                        <marker key={kind} id={`head-${kind}`} class={`head kind-${kind}`} viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" markerWidth="13" markerHeight="13" orient="auto-start-reverse">
                            <path d="M0 0L10 5L0 10z" />
                        </marker>
                    ))}
                </defs>
                {drawing.arrows.map((arrow) => {
                    const taken = walked.arrows.has(`${arrow.from} ${arrow.to}`), possible = arrow.from === state;
                    return (
                        <path key={`${arrow.from} ${arrow.to}`} class={`arrow kind-${arrow.kind}${taken ? " taken" : ""}${possible ? " possible" : ""}`}
                            d={arrow.path} marker-end={`url(#head-${arrow.kind})`}>
                            <title>{`${spaced(arrow.from)} → ${spaced(arrow.to)}: ${arrow.events.join(", ")}`}</title>
                        </path>
                    );
                })}
                {drawing.states.map((one) => (
                    <g key={one.name} class={`state tone-${toneOf(one.name)} ${one.name === state ? "here" : walked.states.has(one.name) ? "been" : ""}`}>
                        <rect x={one.left} y={one.top} width={one.width} height={one.height} rx="9" class={one.final ? "final" : ""} />
                        <text x={one.left + one.width / 2} y={one.top + one.height / 2 + 6}>{spaced(one.name)}</text>
                    </g>
                ))}
                {drawing.arrows.filter((arrow) => arrow.from === state).map((arrow) => <Events key={arrow.to} arrow={arrow} />)}
            </svg>
        </div>
    );
}

const lineHeight = 17;

// What leads along this arrow. Between neighbours of a row there is no room for words, so they stand above it.
function Events({ arrow }: { arrow: Arrow }) {
    const [begin, bow, end] = heightsOf(arrow.path);
    const isFlat = Math.abs(begin - end) < 1 && Math.abs(bow - begin) < 1;
    const middle = isFlat ? arrow.label_y - 34 - (arrow.events.length * lineHeight) / 2 : arrow.label_y;
    const first = middle - ((arrow.events.length - 1) * lineHeight) / 2 + 5;
    return (
        <text class={`event kind-${arrow.kind}`} x={arrow.label_x} y={first}>
            {arrow.events.map((event, index) => <tspan key={event} x={arrow.label_x} dy={index === 0 ? 0 : lineHeight}>{spaced(event)}</tspan>)}
        </text>
    );
}

export function Legend() {
    return (
        <span class="legend">
            <span class="key kind-forward">forward</span><span class="key kind-aside">aside</span>
            <span class="key kind-back">back</span><span class="key kind-trouble">to a person</span>
        </span>
    );
}

// The picture without the empty space around it: from box to box, and as far as an arrow bows beyond them.
export function viewOf(drawing: Drawing): string {
    const margin = 24;
    const rows = [...drawing.states.flatMap((one) => [one.top, one.top + one.height]), ...drawing.arrows.flatMap(({ path }) => heightsOf(path))];
    const left = Math.min(...drawing.states.map((one) => one.left)) - margin;
    const right = Math.max(...drawing.states.map((one) => one.left + one.width)) + margin;
    const top = Math.min(...rows) - margin, bottom = Math.max(...rows) + margin;
    return `${left} ${top} ${right - left} ${bottom - top}`;
}

// How high "M x y Q x y x y" begins, passes its middle, where it bows most, and ends.
function heightsOf(path: string): [number, number, number] {
    const [, begin = 0, , control = 0, , end = 0] = (path.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);
    return [begin, (begin + 2 * control + end) / 4, end];
}
