// What waits for a person: incidents, and inputs that could not be applied.
import { useState } from "preact/hooks";
import type { Incident, Page, ParkedItem } from "./answers";
import { type Change, ChangeButton } from "./change_button";
import { Pager, usePaging } from "./paging";
import { Ago, Cell, Empty, Mark, Section, Shown } from "./parts";
import { hashOf } from "./route";
import { useEvery, useLoaded, useMoves, useShared } from "./state";

const refresh = 15_000;

export function IncidentsPage() {
    return (
        <>
            <h1 class="page-title">Incidents</h1>
            <Incidents />
            <Parked />
        </>
    );
}

function Incidents() {
    const { calls } = useShared();
    const [closedToo, setClosedToo] = useState(false);
    const paging = usePaging(String(closedToo));
    const list = useLoaded(`${closedToo} ${paging.after}`, (signal) =>
        calls.get<Page<Incident>>("/incidents", { closed: closedToo, after: paging.after }, signal));
    useMoves(list.reload, () => true, 3000);
    useEvery(refresh, list.reload);
    const choice = (
        <label class="check">
            <input type="checkbox" checked={closedToo} onChange={(event) => setClosedToo(event.currentTarget.checked)} />
            Closed ones too
        </label>
    );
    return (
        <Section title="Waiting for a person" aside={choice}>
            <Shown loaded={list}>
                {(page) => page.items.length === 0 ? <Empty title="No incidents">Nothing waits for a person.</Empty> : (
                    <>
                        <table class="list">
                            <thead>
                                <tr>
                                    <th scope="col">Cause</th><th scope="col">What happened</th><th scope="col">Concerns</th>
                                    <th scope="col">Open for</th><th scope="col"><span class="unseen">Actions</span></th>
                                </tr>
                            </thead>
                            <tbody>{page.items.map((incident) => <IncidentRow key={incident.incident_id} incident={incident} onClosed={list.reload} />)}</tbody>
                        </table>
                        <Pager paging={paging} next={page.next} />
                    </>
                )}
            </Shown>
        </Section>
    );
}

function IncidentRow({ incident, onClosed }: { incident: Incident; onClosed: () => void }) {
    const open = incident.closed_at === null;
    const concerns = incident.saga_id
        ? <a href={hashOf("orders", incident.saga_id)}>{incident.subject ?? incident.saga_id}</a>
        : <span>{incident.subject ?? "—"}</span>;
    return (
        <tr>
            <Cell label="Cause"><Mark tone={open ? "bad" : "plain"}>{incident.cause}</Mark></Cell>
            <Cell label="What happened" wide>{incident.text}</Cell>
            <Cell label="Concerns">{concerns}</Cell>
            <Cell label="Open for">
                {incident.closed_at === null ? <Ago at={incident.opened_at} /> : <span class="muted">closed <Ago at={incident.closed_at} /> ago</span>}
            </Cell>
            <Cell label="">{open && mayBeClosed(incident) ? <ChangeButton change={closing(incident)} onDone={onClosed} /> : null}</Cell>
        </tr>
    );
}

// An order's incident closes with what is done to the order, unless the order is over.
export function mayBeClosed(incident: Incident): boolean {
    return incident.saga_id === null || incident.saga_final === true;
}

function closing(incident: Incident): Change {
    return {
        path: `/incidents/${encodeURIComponent(incident.incident_id)}/close`,
        label: "Close",
        title: "Close this incident",
        tells: "It has been looked after. If what caused it happens again, it opens again.",
        done: "The incident is closed.",
    };
}

function Parked() {
    const { calls } = useShared();
    const paging = usePaging("parked");
    const list = useLoaded(`parked ${paging.after}`, (signal) =>
        calls.get<Page<ParkedItem>>("/parked", { after: paging.after }, signal));
    useEvery(refresh, list.reload);
    return (
        <Section title="Inputs that could not be applied">
            <Shown loaded={list}>
                {(page) => page.items.length === 0 ? <Empty title="Nothing is parked">Every webhook and every outcome was understood.</Empty> : (
                    <>
                        <table class="list">
                            <thead>
                                <tr>
                                    <th scope="col">What</th><th scope="col">Of</th><th scope="col">Why</th>
                                    <th scope="col">Since</th><th scope="col"><span class="unseen">Actions</span></th>
                                </tr>
                            </thead>
                            <tbody>{page.items.map((item) => <ParkedRow key={item.item_id} item={item} onSettled={list.reload} />)}</tbody>
                        </table>
                        <Pager paging={paging} next={page.next} />
                    </>
                )}
            </Shown>
        </Section>
    );
}

function ParkedRow({ item, onSettled }: { item: ParkedItem; onSettled: () => void }) {
    return (
        <tr>
            <Cell label="What">{item.kind}</Cell>
            <Cell label="Of">{item.subject}</Cell>
            <Cell label="Why" wide>{item.reason}</Cell>
            <Cell label="Since"><Ago at={item.at} /></Cell>
            <Cell label="">
                <span class="buttons">
                    {item.item_id.startsWith("webhook-") ? <ChangeButton change={givingAgain(item)} onDone={onSettled} /> : null}
                    <ChangeButton change={dismissing(item)} onDone={onSettled} />
                </span>
            </Cell>
        </tr>
    );
}

function givingAgain(item: ParkedItem): Change {
    return {
        path: `/parked/${encodeURIComponent(item.item_id)}/retry`,
        label: "Give again",
        title: "Give it to the engine again",
        tells: "The stored webhook is read again, as if it had just arrived. What it already did is recognised.",
        done: "It was given to the engine again.",
    };
}

function dismissing(item: ParkedItem): Change {
    return {
        path: `/parked/${encodeURIComponent(item.item_id)}/dismiss`,
        label: "Dismiss",
        title: "Dismiss it",
        tells: "It leaves this list for good. Nothing of it is applied.",
        done: "It was dismissed.",
        dangerous: true,
    };
}
