// The peers: which stores and warehouses answer, what waits for them, and what each credential may still spend.
import type { Lane, Page, Store } from "./answers";
import { type Change, ChangeButton } from "./change_button";
import { count, until } from "./format";
import { Ago, Cell, Empty, Mark, Moment, Section, Shown } from "./parts";
import { hashOf } from "./route";
import { useEvery, useLoaded, useNow, useShared } from "./state";

interface Peers {
    stores: Store[];
    lanes: Lane[];
}

export function StoresPage() {
    const { calls } = useShared();
    const peers = useLoaded("peers", async (signal): Promise<Peers> => {
        const [stores, lanes] = await Promise.all([
            calls.get<Page<Store>>("/stores", { limit: 200 }, signal),
            calls.get<Page<Lane>>("/lanes", { limit: 200 }, signal),
        ]);
        return { stores: stores.items, lanes: lanes.items };
    });
    useEvery(4000, peers.reload);
    return (
        <>
            <h1 class="page-title">Stores and warehouses</h1>
            <Shown loaded={peers}>
                {({ stores, lanes }) => (
                    <>
                        <Section title="Stores">
                            {stores.length === 0
                                ? <Empty title="No store is connected">Connect one with <code>sagactl setup</code>.</Empty>
                                : <StoreTable stores={stores} lanes={lanes} onSwitched={peers.reload} />}
                        </Section>
                        <Section title="Warehouses">
                            <LaneTable what="Warehouse" lanes={lanes.filter((lane) => lane.lane.startsWith("warehouse:"))}
                                empty="A warehouse shows here after the first call to it." />
                        </Section>
                        <Section title="Lanes" aside={<span class="muted">what each credential may still spend</span>}>
                            <Budgets lanes={lanes} />
                        </Section>
                    </>
                )}
            </Shown>
        </>
    );
}

function Health({ lane }: { lane: Lane | undefined }) {
    const now = useNow();
    if (!lane) return <Mark tone="plain">not called yet</Mark>;
    if (lane.breaker === "open") return <Mark tone="bad">not answering, tried again {until(lane.not_before, now)}</Mark>;
    if (lane.breaker === "probing") return <Mark tone="warn">being tried</Mark>;
    if (Date.parse(lane.not_before) > now + 1000) return <Mark tone="warn">asked us to wait, {until(lane.not_before, now)}</Mark>;
    if (lane.failures > 0) return <Mark tone="warn">{count(lane.failures)} failed in a row</Mark>;
    return <Mark tone="good">answers</Mark>;
}

const policies: Record<string, string> = {
    hold_and_tell: "hold it in the store and tell",
    cancel_and_refund: "cancel and refund",
    backorder: "wait for stock",
};

function StoreTable({ stores, lanes, onSwitched }: { stores: Store[]; lanes: Lane[]; onSwitched: () => void }) {
    return (
        <table class="list">
            <thead>
                <tr>
                    <th scope="col">Store</th><th scope="col">Status</th><th scope="col">Health</th><th scope="col" class="number">Calls waiting</th>
                    <th scope="col" class="number">Under way</th><th scope="col">When stock is short</th><th scope="col">Live since</th><th scope="col">Last trouble</th>
                    <th scope="col"><span class="unseen">Actions</span></th>
                </tr>
            </thead>
            <tbody>
                {stores.map((store) => {
                    const lane = lanes.find((one) => one.lane === `store:${store.store_id}`);
                    return (
                        <tr key={store.store_id}>
                            <Cell label="Store"><a class="strong" href={hashOf("orders", "", { store: store.key })}>{store.key}</a><span class="below muted">{store.shop_domain}</span></Cell>
                            <Cell label="Status"><Mark tone={store.status === "active" ? "good" : "warn"}>{store.status}</Mark></Cell>
                            <Cell label="Health"><Health lane={lane} /></Cell>
                            <Cell label="Calls waiting" number>{count(lane?.waiting ?? 0)}</Cell>
                            <Cell label="Under way" number>{count(lane?.in_flight ?? 0)}</Cell>
                            <Cell label="When stock is short">{policies[store.order_policy] ?? store.order_policy}</Cell>
                            <Cell label="Live since">{store.mode === "observe" ? <Mark tone="warn">observed only</Mark> : <Moment at={store.go_live_at} />}</Cell>
                            <Cell label="Last trouble" wide>{lane?.reason || "—"}</Cell>
                            <Cell label=""><ChangeButton change={switching(store)} onDone={onSwitched} /></Cell>
                        </tr>
                    );
                })}
            </tbody>
        </table>
    );
}

function switching(store: Store): Change {
    const path = `/stores/${encodeURIComponent(store.key)}`;
    if (store.status === "active") {
        return {
            path: `${path}/deactivate`,
            label: "Deactivate",
            title: `Leave ${store.key} alone`,
            tells: "Its stock is no longer updated and it is no longer polled. Orders already taken go on.",
            done: `${store.key} is left alone.`,
            dangerous: true,
        };
    }
    return {
        path: `${path}/activate`,
        label: "Activate",
        title: `Follow ${store.key} again`,
        tells: "Its stock is read and kept right again, and the orders of the time between are fetched.",
        done: `${store.key} is followed again.`,
    };
}

function LaneTable({ what, lanes, empty }: { what: string; lanes: Lane[]; empty: string }) {
    if (lanes.length === 0) return <Empty title="Nothing to show yet">{empty}</Empty>;
    return (
        <table class="list">
            <thead>
                <tr>
                    <th scope="col">{what}</th><th scope="col">Health</th><th scope="col" class="number">Calls waiting</th><th scope="col" class="number">Under way</th>
                    <th scope="col">Breaker open for</th><th scope="col">Last trouble</th>
                </tr>
            </thead>
            <tbody>
                {lanes.map((lane) => (
                    <tr key={lane.lane}>
                        <Cell label={what}><span class="strong">{lane.name ?? lane.lane}</span></Cell>
                        <Cell label="Health"><Health lane={lane} /></Cell>
                        <Cell label="Calls waiting" number>{count(lane.waiting)}</Cell>
                        <Cell label="Under way" number>{count(lane.in_flight)}</Cell>
                        <Cell label="Breaker open for">{lane.breaker !== "closed" && lane.opened_at ? <Ago at={lane.opened_at} /> : "—"}</Cell>
                        <Cell label="Last trouble" wide>{lane.reason || "—"}</Cell>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

function Budgets({ lanes }: { lanes: Lane[] }) {
    if (lanes.length === 0) return <Empty title="No lane yet">A lane is made with the first call to a store or a warehouse.</Empty>;
    return (
        <ul class="bars">
            {lanes.map((lane) => (
                <li key={lane.lane}>
                    <div class="bar-row">
                        <span class="bar-name">{lane.name ?? lane.lane} <span class="muted">{lane.lane}</span></span>
                        <progress class={`bar ${lane.breaker === "closed" ? "tone-forward" : "tone-back"}`} max={Math.max(lane.capacity, 1)} value={Math.max(0, lane.tokens)}
                            aria-label={`${lane.tokens} of ${lane.capacity}`} />
                        <span class="number">{count(Math.max(0, lane.tokens))} of {count(lane.capacity)}, +{lane.per_second}/s</span>
                    </div>
                </li>
            ))}
        </ul>
    );
}
