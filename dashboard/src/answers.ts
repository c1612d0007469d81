// What the REST interface answers, as far as the dashboard looks at it. The document at /api/v1/openapi.json is the whole.

export interface Page<Item> {
    items: Item[];
    next: string | null;
}

export interface OrderName {
    store: string;
    order_id: string;
    name: string;
}

export interface LastCommand {
    activity: string;
    state: "waiting" | "sent" | "closed";
    attempt: number;
    due_at: string;
    deadline: string | null;
    outcome: string;
    last_error: string;
}

interface SagaHead {
    saga_id: string;
    kind: string;
    subject: string;
    state: string;
    version: number;
    final: boolean;
    incident: string | null;
    created_at: string;
    updated_at: string;
    next_wake: string | null;
    order: OrderName | null;
}

export interface SagaLine extends SagaHead {
    command: LastCommand | null;
}

export interface Reservation {
    line_id: string;
    sku: string;
    warehouse: string;
    waiting: number;
    held: number;
    committed: number;
    shipped: number;
    released: number;
    ahead: number;  // orders before it in the queue for these units
}

export interface Command extends LastCommand {
    command_id: string;
    lane: string;
    peer: string | null;  // the store or the warehouse that is called
    counted_attempts: number;
    most_attempts?: number;  // 0: not known
    lane_held: { not_before: string; breaker: string; reason: string } | null;
    perhaps_applied: boolean;
    closed_at: string | null;
}

export interface Shipment {
    id: string;
    carrier: string;
    tracking_number: string;
    tracking_url: string;
    lines: { line_id: string; quantity: number }[];
    store_fulfillment: string;
    delivered: boolean;
}

export interface Fulfillment {
    part: number;
    generation: number;
    reference: string;
    warehouse_order_id: string;
    state: string;
    shipments: Shipment[];
}

export interface SagaIncident {
    incident_id: string;
    cause: string;
    text: string;
    opened_at: string;
    closed_at: string | null;
}

// What an order keeps in mind; what it does not need is empty, null or absent.
export interface Remembered {
    holds?: string[];
    cause?: string;   // why it goes or went back
    resume?: string;  // the state it left to be held or to wait for a person
    wait_until?: string | null;
    hold_until?: string | null;
    deliver_by?: string | null;
}

export interface Saga extends SagaHead {
    lines: { line_id: string; sku: string; wanted: number }[];
    reservations: Reservation[];
    commands: Command[];
    waits: { kind: "channels" | "reading"; sku: string; warehouse: string; version: number; stores: string[] }[];
    incidents: SagaIncident[];
    fulfillments: Fulfillment[];
    in_state_since: string;
    remembers: Remembered;
}

export interface HistoryEntry {
    version: number;
    at: string;
    from_state: string;
    to_state: string;
    event: string;
    cause: string;
    note: string;
    details: Record<string, unknown> | null;
}

export interface Arrow {
    from: string;
    to: string;
    events: string[];
    kind: string;
    path: string;
    label_x: number;
    label_y: number;
}

export interface Drawing {
    width: number;
    height: number;
    states: { name: string; left: number; top: number; width: number; height: number; final: boolean }[];
    arrows: Arrow[];
}

export interface Diagram {
    saga_id: string;
    state: string;
    drawing: Drawing;
}

export interface Summary {
    sagas: Record<string, number>;
    open_incidents: number;
    parked_items: number;
    commands: { waiting: number; in_flight: number; oldest_due_seconds: number; oldest_unconfirmed_seconds: number };
    announcements_unpublished: number;
    listings: { total: number; differing: number; parked: number };
}

export interface Store {
    store_id: string;
    key: string;
    shop_domain: string;
    status: string;
    warehouse: string;
    mode: "observe" | "live";
    go_live_at: string;
    order_policy: string;
}

export interface Lane {
    lane: string;
    name: string | null;
    tokens: number;
    capacity: number;
    per_second: number;
    not_before: string;
    window: number;
    breaker: "closed" | "open" | "probing";
    failures: number;
    opened_at: string | null;
    reason: string;
    in_flight: number;
    waiting: number;
}

export interface Incident extends SagaIncident {
    saga_id: string | null;
    saga_state: string | null;
    saga_final: boolean | null;
    subject: string | null;
    updated_at: string;
}

export interface ParkedItem {
    item_id: string;
    kind: string;
    subject: string;
    reason: string;
    at: string;
}

export interface Shown {
    listing_id: string;
    store: string;
    believed: number | null;  // null: not known
    target: number;
    in_flight: number;
    parked: string;  // why it is left alone; empty when it is not
}

export interface Ledger {
    sku: string;
    title: string;
    warehouse: string;
    on_hand: number;
    available: number;
    reserved: number;
    committed: number;
    unavailable: number;
    short: number;
    waiting: number;
    policy: string;
    buffer: number;
    read_asked_at: string | null;
    warehouse_fulfillable: number | null;
    shown: Shown[];
}

export interface Preview {
    ends_in: string;
    path: { event: string; from: string; to: string; note: string }[];
    calls: { activity: string; lane: string; already_under_way: boolean }[];
    changes: Record<string, unknown>[];
}

export interface CommandResult {
    result: string;
    state: string;
    version: number;
    reason: string;
}

export interface MovedOrder {
    saga_id: string;
    order: string;
    store: string;
    state: string;
    version: number;
    at: string;
}

export type Role = "read" | "operator" | "admin";

export interface SessionAnswer {
    operator: string;
    role: Role;
    merchants: string[];
    csrf_token: string;
}
