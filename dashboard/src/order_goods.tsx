// What an order holds of the stock, and what of it is at the warehouse or on its way.
import type { Fulfillment, Saga } from "./answers";
import { count, several, webAddress } from "./format";
import { Cell, Empty, Mark, Section } from "./parts";
import { hashOf } from "./route";

export function Reservations({ saga }: { saga: Saga }) {
    return (
        <Section title="Stock">
            {saga.reservations.length === 0 ? <Empty title="No units are reserved">{saga.lines.length > 0 ? "None of its lines holds stock." : ""}</Empty> : (
                <table class="list tight">
                    <thead>
                        <tr>
                            <th scope="col">SKU</th><th scope="col">Warehouse</th><th scope="col" class="number">Waiting</th><th scope="col" class="number">Held</th>
                            <th scope="col" class="number">Committed</th><th scope="col" class="number">Shipped</th><th scope="col" class="number">Released</th>
                        </tr>
                    </thead>
                    <tbody>
                        {saga.reservations.map((one) => (
                            <tr key={`${one.line_id} ${one.sku}`}>
                                <Cell label="SKU"><a href={hashOf("stock", "", { sku: one.sku })}>{one.sku}</a></Cell>
                                <Cell label="Warehouse">{one.warehouse}</Cell>
                                <Cell label="Waiting" number>{count(one.waiting)}</Cell>
                                <Cell label="Held" number>{count(one.held)}</Cell>
                                <Cell label="Committed" number>{count(one.committed)}</Cell>
                                <Cell label="Shipped" number>{count(one.shipped)}</Cell>
                                <Cell label="Released" number>{count(one.released)}</Cell>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
        </Section>
    );
}

export function Shipments({ fulfillments }: { fulfillments: Fulfillment[] }) {
    return (
        <Section title="At the warehouse">
            {fulfillments.length === 0 ? <Empty title="Not sent to the warehouse yet" /> : fulfillments.map((fulfillment) => (
                <div key={fulfillment.reference} class="fulfillment">
                    <p class="meta">
                        <span class="strong">{fulfillment.reference}</span><Mark tone="plain">{fulfillment.state.replace(/_/g, " ")}</Mark>
                        {fulfillment.warehouse_order_id ? <span class="muted">warehouse order {fulfillment.warehouse_order_id}</span> : null}
                    </p>
                    {fulfillment.shipments.length === 0 ? <p class="muted">Nothing has been shipped yet.</p> : (
                        <ul class="plain">
                            {fulfillment.shipments.map((shipment) => {
                                const address = webAddress(shipment.tracking_url);
                                const number = shipment.tracking_number || shipment.id;
                                return (
                                    <li key={shipment.id} class="meta">
                                        <span>{shipment.carrier || "carrier unknown"}</span>
                                        {address ? <a href={address} target="_blank" rel="noopener noreferrer">{number}</a> : <span>{number}</span>}
                                        <Mark tone={shipment.delivered ? "good" : "plain"}>{shipment.delivered ? "delivered" : "on its way"}</Mark>
                                        <Mark tone={shipment.store_fulfillment ? "good" : "warn"}>{shipment.store_fulfillment ? "store told" : "store not told yet"}</Mark>
                                        <span class="muted">{several(shipment.lines.reduce((sum, line) => sum + line.quantity, 0), "unit")}</span>
                                    </li>
                                );
                            })}
                        </ul>
                    )}
                </div>
            ))}
        </Section>
    );
}
