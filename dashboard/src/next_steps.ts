// What an order waits for and what happens next, told from what is stored about it. Pure.
import type { Command, Saga } from "./answers";
import { moment, several, until } from "./format";
import { holdWords, nextOf } from "./words";

export interface NextSteps {
    waits: string[];
    next: string;
}

export function nextStepsOf(saga: Saga, now: number): NextSteps {
    if (saga.final) return { waits: [], next: "Nothing more happens: the order has ended here." };
    const { holds = [], hold_until, deliver_by } = saga.remembers;
    const waits = [
        ...saga.incidents.filter((incident) => incident.closed_at === null).map((incident) => `A person: ${incident.text}`),
        ...holds.map(holdWords),
        ...openCommands(saga).map((command) => commandWords(command, now)),
        ...stockWords(saga),
        ...storeWords(saga, now),
    ];
    if (saga.state === "OnHold" && hold_until) waits.push(`The hold ends ${until(hold_until, now)} at the latest.`);
    if (saga.state === "Shipped" && deliver_by) waits.push(`Delivery; taken for delivered on ${moment(deliver_by, now)}.`);
    if (waits.length === 0 && saga.next_wake) waits.push(`It is looked at again ${until(saga.next_wake, now)}.`);
    return { waits, next: nextOf(saga.state) };
}

export function openCommands(saga: Saga): Command[] {
    return saga.commands.filter((command) => command.state !== "closed");
}

export function commandWords(command: Command, now: number): string {
    const peer = peerOf(command), call = `${command.activity} at ${peer}`;
    if (command.state === "sent") {
        const limit = command.deadline ? `, awaited until ${moment(command.deadline, now)}` : "";
        return `The answer to ${call}: attempt ${attemptWords(command)}${limit}.`;
    }
    const error = command.last_error ? ` Last error: ${command.last_error}` : "";
    if (command.lane_held) {
        const { not_before, reason } = command.lane_held;
        const when = Date.parse(not_before) > now ? `, ${until(not_before, now)}` : "";
        return `${call} waits until calls to ${peer} are let through again${when}${reason ? ` (${reason})` : ""}.${error}`;
    }
    if (Date.parse(command.due_at) <= now) return `${call} waits for its turn.${error}`;
    return `${call} is ${command.attempt > 0 ? "tried again" : "due"} ${until(command.due_at, now)}.${error}`;
}

// The key of the store or warehouse that is called; of older calls only the lane may be known.
export function peerOf(command: Command): string {
    return command.peer ?? command.lane;
}

// "2 of 6": attempts that count towards the limit, the one under way included; of what is over, how many there were.
export function attemptWords(command: Command): string {
    if (command.state === "closed") return String(command.attempt);
    const counted = command.counted_attempts + (command.state === "sent" ? 1 : 0);
    return command.most_attempts ? `${counted} of ${command.most_attempts}` : String(counted);
}

function stockWords(saga: Saga): string[] {
    return saga.reservations.filter((reservation) => reservation.waiting > 0).map((reservation) => {
        const queue = reservation.ahead > 0 ? `${several(reservation.ahead, "order is", "orders are")} before it` : "it is first in the queue";
        return `${several(reservation.waiting, "unit")} of ${reservation.sku} to come in; ${queue}.`;
    });
}

function storeWords(saga: Saga, now: number): string[] {
    const { wait_until } = saga.remembers;
    const limit = wait_until ? `, at most until ${moment(wait_until, now)}` : "";
    const words = saga.waits.map((wait) => {
        if (wait.kind === "reading") return `A fresh figure of ${wait.warehouse} for ${wait.sku}.`;
        return `${wait.stores.join(", ") || "The stores"} to show the new stock of ${wait.sku}${limit}.`;
    });
    return [...new Set(words)];
}
