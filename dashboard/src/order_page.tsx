// One order: where it stands, why, what comes next, how it came there, and what an operator can do.
import { OrderActions } from "./actions";
import type { Diagram, HistoryEntry, Page, Saga } from "./answers";
import { Legend, StateDiagram } from "./diagram";
import { age, spaced } from "./format";
import { nextStepsOf, openCommands } from "./next_steps";
import { Calls } from "./order_calls";
import { Reservations, Shipments } from "./order_goods";
import { Ago, Mark, Moment, Section, Shown, StateBadge } from "./parts";
import { hashOf } from "./route";
import { useEvery, useLoaded, useMoves, useNow, useShared } from "./state";
import { Timeline } from "./timeline";
import { meaningOf } from "./words";

export function OrderPage({ id }: { id: string }) {
    const { calls } = useShared();
    const path = `/sagas/${encodeURIComponent(id)}`;
    const saga = useLoaded(id, (signal) => calls.get<Saga>(path, {}, signal));
    const history = useLoaded(`history ${id}`, (signal) => wholeHistory((after) =>
        calls.get<Page<HistoryEntry>>(`${path}/history`, { limit: 200, after }, signal)));
    const diagram = useLoaded(`diagram ${id}`, (signal) => calls.get<Diagram>(`${path}/diagram`, {}, signal));
    const reload = () => {
        saga.reload();
        history.reload();
        diagram.reload();
    };
    useMoves(reload, (order) => order.saga_id === id, 1000);
    // Attempts change without the order moving; so look now and then while one is open.
    const busy = saga.value !== null && openCommands(saga.value).length > 0;
    useEvery(busy ? 3000 : null, saga.reload);
    return (
        <>
            <p class="back"><a href={hashOf("orders")}>← Orders</a></p>
            <Shown loaded={saga}>
                {(order) => (
                    <>
                        <Head saga={order} onDone={reload} />
                        <WhatNow saga={order} />
                        <Section title="Where it is" aside={<Legend />}>
                            <Shown loaded={diagram}>
                                {(drawn) => <StateDiagram diagram={{ ...drawn, state: order.state }} history={history.value ?? []} />}
                            </Shown>
                        </Section>
                        <div class="columns">
                            <div class="column">
                                <Section title="What happened"><Shown loaded={history}>{(entries) => <Timeline entries={entries} />}</Shown></Section>
                            </div>
                            <div class="column">
                                <Reservations saga={order} />
                                <Shipments fulfillments={order.fulfillments} />
                                <Calls commands={order.commands} />
                                <Incidents saga={order} />
                            </div>
                        </div>
                    </>
                )}
            </Shown>
        </>
    );
}

// Some hundred entries at the most; a bound all the same.
async function wholeHistory(page: (after: string) => Promise<Page<HistoryEntry>>): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    let after: string | null = "";
    for (let turn = 0; turn < 10 && after !== null; ++turn) {
        const answer: Page<HistoryEntry> = await page(after);
        entries.push(...answer.items);
        after = answer.next;
    }
    return entries;
}

function Head({ saga, onDone }: { saga: Saga; onDone: () => void }) {
    return (
        <header class="order-head">
            <div>
                <h1 class="page-title">{saga.order?.name || saga.order?.order_id || saga.subject} <span class="muted">{saga.order?.store}</span></h1>
                <p class="meta">
                    <StateBadge state={saga.state} />
                    <span>for <Ago at={saga.in_state_since} /></span>
                    <span>came in <Moment at={saga.created_at} /></span>
                    <span>version {saga.version}</span>
                    {saga.order ? <span>order {saga.order.order_id}</span> : null}
                    <span class="id">{saga.saga_id}</span>
                </p>
            </div>
            <OrderActions saga={saga} onDone={onDone} />
        </header>
    );
}

function WhatNow({ saga }: { saga: Saga }) {
    const now = useNow();
    const steps = nextStepsOf(saga, now);
    return (
        <section class={`card what-now${saga.state === "NeedsOperator" ? " urgent" : ""}`} aria-label="What it waits for">
            <p class="lead">{standingOf(saga)}</p>
            {steps.waits.length > 0 ? <><h3>It waits for</h3><ul>{steps.waits.map((text) => <li key={text}>{text}</li>)}</ul></> : null}
            {steps.next ? <><h3>Next</h3><p>{steps.next}</p></> : null}
        </section>
    );
}

function standingOf(saga: Saga): string {
    const { cause, resume } = saga.remembers;
    const why = cause ? ` Why it went back: ${cause}.` : "";
    const left = saga.state === "NeedsOperator" && resume ? ` It stood at ${spaced(resume)}.` : "";
    return meaningOf(saga.state) + why + left;
}

function Incidents({ saga }: { saga: Saga }) {
    const now = useNow();
    if (saga.incidents.length === 0) return null;
    return (
        <Section title="Incidents">
            <ul class="plain">
                {saga.incidents.map((incident) => (
                    <li key={incident.incident_id}>
                        <Mark tone={incident.closed_at === null ? "bad" : "plain"}>{incident.cause}</Mark> {incident.text}
                        <span class="muted"> {incident.closed_at === null ? `open for ${age(incident.opened_at, now)}` : `closed ${age(incident.closed_at, now)} ago`}</span>
                    </li>
                ))}
            </ul>
        </Section>
    );
}
