// The ledger of every SKU, and beside it what each store shows of it.
import type { Ledger, Page, Shown as ShownListing } from "./answers";
import { type Change, ChangeButton } from "./change_button";
import { count } from "./format";
import { Pager, usePaging } from "./paging";
import { Ago, Cell, Empty, Mark, type MarkTone, Shown } from "./parts";
import { hashOf } from "./route";
import { useLoaded, useMoves, useShared } from "./state";

export function StockPage({ filters }: { filters: Record<string, string> }) {
    const { calls } = useShared();
    const sku = filters["sku"] ?? "";
    const paging = usePaging(sku);
    const list = useLoaded(`${sku} ${paging.after}`, (signal) =>
        calls.get<Page<Ledger>>("/stock", { sku, after: paging.after }, signal));
    useMoves(list.reload, () => true, 3000);
    return (
        <>
            <h1 class="page-title">Stock</h1>
            <SkuFilter key={sku} sku={sku} />
            <Shown loaded={list}>
                {(page) => page.items.length === 0 ? <NoStock sku={sku} /> : (
                    <>
                        <div class="card flush"><StockTable ledgers={page.items} onChanged={list.reload} /></div>
                        <Pager paging={paging} next={page.next} />
                    </>
                )}
            </Shown>
        </>
    );
}

function SkuFilter({ sku }: { sku: string }) {
    const submit = (event: Event) => {
        event.preventDefault();
        const fields = new FormData(event.currentTarget as HTMLFormElement);
        location.hash = hashOf("stock", "", { sku: String(fields.get("sku") ?? "").trim() });
    };
    return (
        <form class="filters" role="search" onSubmit={submit}>
            <label class="grow">SKU<input name="sku" type="search" defaultValue={sku} placeholder="The whole SKU, as the store writes it" spellcheck={false} /></label>
            <button type="submit">Show</button>
            {sku ? <a class="button" href={hashOf("stock")}>All</a> : null}
        </form>
    );
}

function NoStock({ sku }: { sku: string }) {
    return sku
        ? <Empty title="No warehouse holds this SKU">Check its spelling: capitals count. <a href={hashOf("stock")}>Show all stock</a>.</Empty>
        : <Empty title="No stock yet">Import SKUs and opening stock with <code>sagactl setup</code>.</Empty>;
}

function StockTable({ ledgers, onChanged }: { ledgers: Ledger[]; onChanged: () => void }) {
    return (
        <table class="list">
            <thead>
                <tr>
                    <th scope="col">SKU</th><th scope="col">Warehouse</th><th scope="col" class="number">Available</th><th scope="col" class="number">Reserved</th>
                    <th scope="col" class="number">Committed</th><th scope="col" class="number">Unavailable</th><th scope="col" class="number">On hand</th>
                    <th scope="col" class="number">Waited for</th><th scope="col">Stores show</th><th scope="col">Warehouse read</th>
                </tr>
            </thead>
            <tbody>
                {ledgers.map((ledger) => (
                    <tr key={`${ledger.sku} ${ledger.warehouse}`}>
                        <Cell label="SKU">
                            <a class="strong" href={hashOf("orders", "", { sku: ledger.sku })} title="Orders with this SKU">{ledger.sku}</a>
                            {ledger.title ? <span class="below muted">{ledger.title}</span> : null}
                        </Cell>
                        <Cell label="Warehouse">{ledger.warehouse}</Cell>
                        <Cell label="Available" number><strong>{count(ledger.available)}</strong>{ledger.buffer > 0 ? <span class="below muted">buffer {count(ledger.buffer)}</span> : null}</Cell>
                        <Cell label="Reserved" number><Units value={ledger.reserved} /></Cell>
                        <Cell label="Committed" number><Units value={ledger.committed} /></Cell>
                        <Cell label="Unavailable" number><Units value={ledger.unavailable} /></Cell>
                        <Cell label="On hand" number>{count(ledger.on_hand)}{ledger.short > 0 ? <> <Mark tone="bad">{count(ledger.short)} short</Mark></> : null}</Cell>
                        <Cell label="Waited for" number><Units value={ledger.waiting} /></Cell>
                        <Cell label="Stores show" wide><ShownInStores ledger={ledger} onChanged={onChanged} /></Cell>
                        <Cell label="Warehouse read">{ledger.read_asked_at ? <><Ago at={ledger.read_asked_at} /> ago</> : <span class="muted">never</span>}</Cell>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

// Most of these figures are 0 most of the time: so that the others stand out.
function Units({ value }: { value: number }) {
    return value === 0 ? <span class="muted">0</span> : <>{count(value)}</>;
}

function ShownInStores({ ledger, onChanged }: { ledger: Ledger; onChanged: () => void }) {
    if (ledger.shown.length === 0) return <span class="muted">in no store</span>;
    return (
        <span class="shown">
            {ledger.shown.map((listing) => (
                <span key={listing.listing_id}>
                    <Mark tone={toneOf(listing)}>{listing.store} <span class="figure">{figureOf(listing)}</span></Mark>
                    {listing.parked ? <ChangeButton change={takingBack(ledger.sku, listing)} onDone={onChanged} /> : null}
                </span>
            ))}
        </span>
    );
}

function takingBack(sku: string, listing: ShownListing): Change {
    return {
        path: `/listings/${encodeURIComponent(listing.listing_id)}/unpark`,
        label: "Take back",
        title: `Take ${sku} in ${listing.store} back`,
        tells: `The store refused it: ${listing.parked}. Its stock is read from the store again and then kept right as before.`,
        done: `${sku} in ${listing.store} is kept right again.`,
    };
}

function toneOf(listing: ShownListing): MarkTone {
    if (listing.parked) return "bad";
    return listing.believed === listing.target ? "plain" : "warn";
}

// "12", "12 → 11" while the store does not show what it should, "?" before it was read, or why it is left alone.
export function figureOf(listing: ShownListing): string {
    if (listing.parked) return listing.parked;
    const believed = listing.believed === null ? "?" : count(listing.believed);
    return listing.believed === listing.target ? believed : `${believed} → ${count(listing.target)}`;
}
