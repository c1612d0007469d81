// All orders, newest first, with filters that live in the address: what is looked at can be sent to a colleague.
import { useEffect, useRef } from "preact/hooks";
import type { LastCommand, Page, SagaLine, Store } from "./answers";
import { count, spaced, until } from "./format";
import { Pager, usePaging } from "./paging";
import { Ago, Cell, Empty, Mark, Shown, StateBadge } from "./parts";
import { hashOf } from "./route";
import { useLoaded, useMoves, useNow, useShared } from "./state";
import { stateNames } from "./words";

type Filters = Record<string, string>;
const ages: [string, string][] = [["1m", "1 minute"], ["10m", "10 minutes"], ["1h", "1 hour"], ["24h", "1 day"], ["7d", "7 days"]];

export function OrdersPage({ filters }: { filters: Filters }) {
    const { calls } = useShared();
    const key = JSON.stringify(filters);
    const paging = usePaging(key);
    const list = useLoaded(`${key} ${paging.after}`, (signal) => calls.get<Page<SagaLine>>("/sagas", {
        state: filters["state"], store: filters["store"], text: filters["text"], sku: filters["sku"],
        older_than: filters["age"], open: filters["open"] === "yes", incident: filters["incident"] === "yes", after: paging.after,
    }, signal));
    useMoves(list.reload, () => true);
    return (
        <>
            <h1 class="page-title">Orders</h1>
            <FilterBar filters={filters} />
            <Shown loaded={list}>
                {(page) => page.items.length === 0 ? <NoOrders filtered={Object.keys(filters).length > 0} /> : (
                    <>
                        <div class="card flush"><OrderTable orders={page.items} /></div>
                        <Pager paging={paging} next={page.next} words={["Newer", "Older"]} />
                    </>
                )}
            </Shown>
        </>
    );
}

function NoOrders({ filtered }: { filtered: boolean }) {
    return filtered
        ? <Empty title="No order fits">Take a filter away: <a href={hashOf("orders")}>show all orders</a>.</Empty>
        : <Empty title="No orders yet">They appear here as soon as a store's first webhook arrives.</Empty>;
}

function FilterBar({ filters }: { filters: Filters }) {
    const { calls, counts } = useShared();
    const stores = useLoaded("stores", (signal) => calls.get<Page<Store>>("/stores", { limit: 200 }, signal));
    const search = useRef<HTMLInputElement>(null);
    const typing = useRef<ReturnType<typeof setTimeout>>();
    const change = (name: string, value: string) => {
        location.hash = hashOf("orders", "", { ...filters, [name]: value });
    };
    useEffect(() => {
        const onKey = (event: KeyboardEvent) => {
            const typed = event.target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
            if (event.key !== "/" || typed || event.ctrlKey || event.metaKey || event.altKey) return;
            event.preventDefault();
            search.current?.focus();
        };
        document.addEventListener("keydown", onKey);
        return () => document.removeEventListener("keydown", onKey);
    }, []);
    const select = (name: string, label: string, options: [string, string][]) => (
        <label>
            {label}
            <select value={filters[name] ?? ""} onChange={(event) => change(name, event.currentTarget.value)}>
                <option value="">Any</option>
                {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
            </select>
        </label>
    );
    const check = (name: string, label: string) => (
        <label class="check">
            <input type="checkbox" checked={filters[name] === "yes"} onChange={(event) => change(name, event.currentTarget.checked ? "yes" : "")} />
            {label}
        </label>
    );
    const amount = (state: string) => counts ? ` (${count(counts.sagas[state] ?? 0)})` : "";
    return (
        <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
            <label class="grow">
                Search
                <input ref={search} type="search" defaultValue={filters["text"] ?? ""} placeholder="Order name, number or saga id   ( / )"
                    onInput={(event) => {
                        const text = event.currentTarget.value.trim();
                        clearTimeout(typing.current);
                        typing.current = setTimeout(() => change("text", text), 300);
                    }} />
            </label>
            {select("state", "State", stateNames.map((state) => [state, spaced(state) + amount(state)]))}
            {select("store", "Store", (stores.value?.items ?? []).map((store) => [store.key, store.key]))}
            {select("age", "Not moved for", ages)}
            {check("open", "Open only")}
            {check("incident", "With incident")}
            {Object.keys(filters).length > 0 ? <a class="button" href={hashOf("orders")}>Clear</a> : null}
        </form>
    );
}

function OrderTable({ orders }: { orders: SagaLine[] }) {
    return (
        <table class="list">
            <thead>
                <tr>
                    <th scope="col">Order</th><th scope="col">Store</th><th scope="col">State</th><th scope="col">Age</th>
                    <th scope="col">Moved</th><th scope="col">Under way</th><th scope="col" class="number">Attempt</th>
                    <th scope="col">Next retry</th><th scope="col">Last error</th>
                </tr>
            </thead>
            <tbody>{orders.map((order) => <OrderRow key={order.saga_id} order={order} />)}</tbody>
        </table>
    );
}

function OrderRow({ order }: { order: SagaLine }) {
    const command = order.command && order.command.state !== "closed" && !order.final ? order.command : null;
    const error = order.final ? "" : (order.command?.last_error ?? "");
    return (
        <tr>
            <Cell label="Order"><a class="strong" href={hashOf("orders", order.saga_id)}>{order.order?.name || order.order?.order_id || order.subject}</a></Cell>
            <Cell label="Store">{order.order?.store ?? "—"}</Cell>
            <Cell label="State">
                <StateBadge state={order.state} />
                {order.incident !== null ? <> <Mark tone="bad">{order.incident}</Mark></> : null}
            </Cell>
            <Cell label="Age"><Ago at={order.created_at} /></Cell>
            <Cell label="Moved"><Ago at={order.updated_at} /> ago</Cell>
            <Cell label="Under way">{command?.activity ?? "—"}</Cell>
            <Cell label="Attempt" number>{command && command.attempt > 0 ? command.attempt : "—"}</Cell>
            <Cell label="Next retry">{command ? <NextRetry command={command} /> : "—"}</Cell>
            <Cell label="Last error" wide>{error ? <span class="error-text" title={error}>{error}</span> : "—"}</Cell>
        </tr>
    );
}

function NextRetry({ command }: { command: LastCommand }) {
    const now = useNow();
    if (command.state === "sent") return <span class="muted">being tried</span>;
    if (command.attempt === 0) return <span class="muted">waits for its turn</span>;
    return <span>{until(command.due_at, now)}</span>;
}
