// What needs somebody, how many orders stand where, and which move.
import { useEffect, useState } from "preact/hooks";
import type { Lane, MovedOrder, Page, Summary } from "./answers";
import { count, inOneUnit, several, spaced } from "./format";
import { Ago, Empty, Section, Shown, StateBadge } from "./parts";
import { hashOf } from "./route";
import { useEvery, useLoaded, useShared } from "./state";
import { meaningOf, stateNames, type Tone, toneNames, toneOf } from "./words";

const tones: Tone[] = ["forward", "aside", "person", "back", "done", "ended"];

export function OverviewPage() {
    const { calls, counts } = useShared();
    const first = useLoaded("summary", (signal) => calls.get<Summary>("/summary", {}, signal));
    const summary = counts ?? first.value;
    return (
        <>
            <h1 class="page-title">Overview</h1>
            <Shown loaded={{ ...first, value: summary }}>
                {(value) => (
                    <>
                        <Tiles summary={value} />
                        <div class="columns">
                            <div class="column">
                                <Attention summary={value} />
                                <Orders summary={value} />
                            </div>
                            <div class="column">
                                <Moves />
                                <Machinery summary={value} />
                            </div>
                        </div>
                    </>
                )}
            </Shown>
        </>
    );
}

function Tiles({ summary }: { summary: Summary }) {
    const { listings, commands } = summary;
    const tiles: { name: string; value: number; at: string; note?: string; bad?: boolean }[] = [
        { name: "Open orders", value: openIn(summary), at: hashOf("orders", "", { open: "yes" }) },
        { name: "Wait for a person", value: summary.sagas["NeedsOperator"] ?? 0, at: hashOf("orders", "", { state: "NeedsOperator" }), bad: true },
        { name: "Open incidents", value: summary.open_incidents, at: hashOf("incidents"), bad: true },
        { name: "Inputs not applied", value: summary.parked_items, at: hashOf("incidents"), bad: true },
        { name: "Listings behind", value: listings.differing, at: hashOf("stock"), note: `of ${count(listings.total)}` },
        { name: "Calls waiting", value: commands.waiting, at: hashOf("stores"), note: `${count(commands.in_flight)} under way` },
    ];
    return (
        <ul class="tiles">
            {tiles.map(({ name, value, at, note, bad }) => (
                <li key={name}>
                    <a class={`tile${bad && value > 0 ? " bad" : ""}`} href={at}>
                        <span class="tile-name">{name}</span>
                        <span class="tile-value">{count(value)}{note ? <small>{note}</small> : null}</span>
                    </a>
                </li>
            ))}
        </ul>
    );
}

function openIn(summary: Summary): number {
    return Object.entries(summary.sagas).reduce((sum, [state, amount]) => (isEnd(state) ? sum : sum + amount), 0);
}

function Attention({ summary }: { summary: Summary }) {
    const { calls } = useShared();
    const lanes = useLoaded("lanes", (signal) => calls.get<Page<Lane>>("/lanes", { limit: 200 }, signal));
    useEvery(5000, lanes.reload);
    const closed = (lanes.value?.items ?? []).filter((lane) => lane.breaker !== "closed");
    const person = summary.sagas["NeedsOperator"] ?? 0;
    const wishes = [
        { at: hashOf("incidents"), amount: summary.open_incidents, text: several(summary.open_incidents, "open incident") },
        { at: hashOf("orders", "", { state: "NeedsOperator" }), amount: person, text: several(person, "order waits for a person", "orders wait for a person") },
        { at: hashOf("incidents"), amount: summary.parked_items, text: several(summary.parked_items, "input that could not be applied", "inputs that could not be applied") },
        { at: hashOf("stores"), amount: closed.length, text: `${several(closed.length, "peer does", "peers do")} not answer: ${closed.map((lane) => lane.name ?? lane.lane).join(", ")}` },
        { at: hashOf("stock"), amount: summary.listings.parked, text: `${several(summary.listings.parked, "listing")} refused by a store` },
    ].filter((wish) => wish.amount > 0);
    return (
        <Section title="Needs attention">
            {wishes.length === 0 ? <Empty title="Nothing needs you">No incidents, nothing parked, every store and warehouse answers.</Empty> : (
                <ul class="wishes">{wishes.map((wish) => <li key={wish.text}><a href={wish.at}>{wish.text}</a></li>)}</ul>
            )}
        </Section>
    );
}

function Orders({ summary }: { summary: Summary }) {
    const total = Object.values(summary.sagas).reduce((sum, one) => sum + one, 0);
    const open = openIn(summary);
    const known = [...stateNames, ...Object.keys(summary.sagas).filter((state) => !stateNames.includes(state))];
    if (total === 0) {
        return <Section title="Orders"><Empty title="No orders yet">They appear here as soon as a store's first webhook arrives.</Empty></Section>;
    }
    return (
        <Section title="Orders" aside={<span class="muted">{count(open)} open, {count(total)} in all</span>}>
            {tones.map((tone) => {
                const states = known.filter((state) => toneOf(state) === tone);
                const sum = states.reduce((all, state) => all + (summary.sagas[state] ?? 0), 0);
                if (sum === 0 && tone !== "forward") return null;
                return (
                    <div key={tone} class="group">
                        <h3><span>{toneNames[tone]}</span><span class="number">{count(sum)}</span></h3>
                        <ul class="bars">
                            {states.filter((state) => tone === "forward" || (summary.sagas[state] ?? 0) > 0).map((state) => (
                                <Bar key={state} state={state} amount={summary.sagas[state] ?? 0} total={isEnd(state) ? total : open} />
                            ))}
                        </ul>
                    </div>
                );
            })}
        </Section>
    );
}

function isEnd(state: string): boolean {
    return ["done", "ended"].includes(toneOf(state));
}

function Bar({ state, amount, total }: { state: string; amount: number; total: number }) {
    return (
        <li>
            <a href={hashOf("orders", "", { state })} title={meaningOf(state)}>
                <span class="bar-name">{spaced(state)}</span>
                <progress class={`bar tone-${toneOf(state)}`} max={Math.max(total, 1)} value={amount} aria-label={`${amount} of ${total}`} />
                <span class="number">{count(amount)}</span>
            </a>
        </li>
    );
}

function Machinery({ summary }: { summary: Summary }) {
    const { commands, listings } = summary;
    const facts: [string, string][] = [
        ["Oldest call that is due and was not made", inOneUnit(commands.oldest_due_seconds * 1000)],
        ["Oldest call that the broker has not confirmed", inOneUnit(commands.oldest_unconfirmed_seconds * 1000)],
        ["Public events that the broker has not confirmed", count(summary.announcements_unpublished)],
        ["Listings that a store refuses", `${count(listings.parked)} of ${count(listings.total)}`],
    ];
    return (
        <Section title="Under the hood">
            <dl class="facts">
                {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
            </dl>
        </Section>
    );
}

const kept = 12;

function Moves() {
    const { onMoved, live } = useShared();
    const [moves, setMoves] = useState<MovedOrder[]>([]);
    useEffect(() => onMoved((order) => {
        if (order) setMoves((old) => [order, ...old.filter((one) => one.saga_id !== order.saga_id)].slice(0, kept));
    }), [onMoved]);
    return (
        <Section title="Moving now" aside={<span class="muted">{live === "live" ? "live" : "not live"}</span>}>
            {moves.length === 0 ? <Empty title="Quiet">Orders show up here the moment they move.</Empty> : (
                <ul class="moves">
                    {moves.map((order) => (
                        <li key={order.saga_id}>
                            <a href={hashOf("orders", order.saga_id)}>{order.order}</a>
                            <span class="muted">{order.store}</span>
                            <StateBadge state={order.state} />
                            <span class="muted"><Ago at={order.at} /></span>
                        </li>
                    ))}
                </ul>
            )}
        </Section>
    );
}
