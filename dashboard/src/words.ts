// What states and causes are called and what they mean, for people. Pure.

export type Tone = "forward" | "aside" | "person" | "back" | "done" | "ended";

interface StateWords {
    tone: Tone;
    means: string;
    next: string;
}

const states: Record<string, StateWords> = {
    Received: {
        tone: "forward",
        means: "The order has come in; its stock is being decided.",
        next: "Stock is reserved, or the order waits for it or is refused.",
    },
    Reserved: {
        tone: "forward",
        means: "Its units are held. The other stores are being told.",
        next: "When the stores show it, or the wait is over, the warehouse is asked to ship.",
    },
    ChannelsSynced: {
        tone: "forward",
        means: "The stores have been told. The warehouse is being asked to ship.",
        next: "The warehouse accepts the order; from then on a cancel needs its consent.",
    },
    FulfillmentRequested: {
        tone: "forward",
        means: "The warehouse has accepted the order.",
        next: "The warehouse ships; then the store is told the tracking number.",
    },
    Shipped: {
        tone: "forward",
        means: "Everything has left the warehouse.",
        next: "It completes when every shipment is told to the store and delivered, or presumed so.",
    },
    Completed: { tone: "done", means: "Shipped, told and delivered.", next: "" },
    OnHold: {
        tone: "aside",
        means: "Held back; its units stay held meanwhile.",
        next: "It goes on where it was once nothing holds it any more, and goes back when the hold expires.",
    },
    Backordered: {
        tone: "aside",
        means: "Waits in the queue for units to come in.",
        next: "When units arrive and it is first in the queue, they are reserved and it goes on.",
    },
    NeedsOperator: {
        tone: "person",
        means: "Stands still until a person decides.",
        next: "Retry leads back to where it stood; cancel undoes what was done.",
    },
    CancellingFulfillment: {
        tone: "back",
        means: "The warehouse is asked to cancel.",
        next: "If the warehouse agrees, the units are released; if it is too late, the order goes forward.",
    },
    ReleasingStock: {
        tone: "back",
        means: "Its units are being given back.",
        next: "Then the stores are told that the units can be sold again.",
    },
    RevertingChannels: {
        tone: "back",
        means: "The stores are being told that its units can be sold again.",
        next: "When they show it, or the wait is over, the order is settled in its own store.",
    },
    SettlingOrder: {
        tone: "back",
        means: "The order is being held or cancelled in its own store.",
        next: "Then it has ended.",
    },
    Compensated: { tone: "ended", means: "What was done has been undone.", next: "" },
    OutOfStock: { tone: "ended", means: "Refused: there was not enough stock.", next: "" },
};

export const stateNames = Object.keys(states);

export function toneOf(state: string): Tone {
    return states[state]?.tone ?? "aside";
}

export function meaningOf(state: string): string {
    return states[state]?.means ?? "";
}

export function nextOf(state: string): string {
    return states[state]?.next ?? "";
}

export const toneNames: Record<Tone, string> = {
    forward: "On the way",
    aside: "Waiting aside",
    person: "Waiting for a person",
    back: "Going back",
    done: "Completed",
    ended: "Ended without shipping",
};

const holds: Record<string, string> = {
    unpaid: "It is not paid yet.",
    unmapped: "A SKU of it is not connected to the warehouse.",
    no_address: "It has no address to ship to.",
    ship_method: "Its shipping line has no method at the warehouse.",
    operator: "An operator holds it.",
};

export function holdWords(hold: string): string {
    return holds[hold] ?? `Held: ${hold}.`;
}

export type Action = "retry" | "hold" | "release" | "cancel" | "compensate";

// Which of them can change anything. The server decides; this only spares people buttons that do nothing.
export function actionsIn(saga: { state: string; final: boolean; remembers: { holds?: string[] } }): Action[] {
    const tone = toneOf(saga.state);
    const heldByHand = saga.remembers.holds?.includes("operator") ?? false;
    const actions: Action[] = [];
    if (saga.state === "NeedsOperator") actions.push("retry");
    if (saga.state === "OnHold" || heldByHand) actions.push("release");
    if (["Received", "Reserved", "ChannelsSynced", "Backordered"].includes(saga.state) && !heldByHand) actions.push("hold");
    if (!saga.final && saga.state !== "Shipped" && tone !== "back") actions.push("cancel", "compensate");
    return actions;
}

export const actionWords: Record<Action, { label: string; title: string; tells: string }> = {
    retry: {
        label: "Retry",
        title: "Try again",
        tells: "The order goes back to where it stood and its last step is tried again.",
    },
    hold: {
        label: "Hold",
        title: "Hold this order",
        tells: "The order stays where it is and is not sent to the warehouse. Its units stay held until the store's limit.",
    },
    release: { label: "Release", title: "Release the hold", tells: "The order goes on, unless something else holds it." },
    cancel: {
        label: "Cancel order",
        title: "Cancel this order",
        tells: "What was done is undone, newest step first. If the warehouse has begun to pick, it is too late.",
    },
    compensate: {
        label: "Compensate",
        title: "Undo what was done",
        tells: "The same way back as a cancel, written to the audit as a compensation.",
    },
};
