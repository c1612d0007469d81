import assert from "node:assert/strict";
import type { Command, Saga } from "../src/answers";
import { attemptWords, commandWords, nextStepsOf } from "../src/next_steps";
import { claim } from "./claim";

const now = Date.parse("2026-07-01T12:00:00Z");
const later = (seconds: number) => new Date(now + seconds * 1000).toISOString();

function anOrder(parts: Partial<Saga> = {}): Saga {
    return {
        saga_id: "s", kind: "order", subject: "eu #1", state: "Reserved", version: 1, final: false, incident: null,
        created_at: later(-60), updated_at: later(-10), next_wake: later(5),
        order: { store: "eu", order_id: "1", name: "#1" }, lines: [], reservations: [], commands: [], waits: [], incidents: [],
        fulfillments: [], in_state_since: later(-10), remembers: {}, ...parts,
    };
}

function aCommand(parts: Partial<Command> = {}): Command {
    return {
        command_id: "c", activity: "RequestFulfillment", lane: "warehouse:1", peer: "main", state: "waiting", attempt: 0,
        counted_attempts: 0, lane_held: null, due_at: later(-1), deadline: null, outcome: "", last_error: "", perhaps_applied: false, closed_at: null, ...parts,
    };
}

claim("NextSteps.SaysNothingMoreComesAfterTheEnd", () => {
    const steps = nextStepsOf(anOrder({ final: true, state: "Completed" }), now);
    assert.deepEqual(steps.waits, []);
    assert.ok(steps.next.startsWith("Nothing more happens"));
});

claim("NextSteps.NamesEachThingWaitedFor", () => {
    const wait = { kind: "channels" as const, sku: "SHIRT", warehouse: "main", version: 4, stores: ["eu", "us"] };
    const named = nextStepsOf(anOrder({ waits: [wait, wait], remembers: { wait_until: later(8) } }), now).waits;
    assert.equal(named.length, 1);
    assert.ok(named[0]?.startsWith("eu, us to show the new stock of SHIRT, at most until "), named[0] ?? "");
    const unnamed = nextStepsOf(anOrder({ waits: [{ ...wait, stores: [] }, { ...wait, kind: "reading" }] }), now).waits;
    assert.deepEqual(unnamed, ["The stores to show the new stock of SHIRT.", "A fresh figure of main for SHIRT."]);
});

claim("NextSteps.TellsHoldsAndTheirEnd", () => {
    const steps = nextStepsOf(anOrder({ state: "OnHold", remembers: { holds: ["unpaid", "new_kind"], hold_until: later(7200) } }), now);
    assert.deepEqual(steps.waits, ["It is not paid yet.", "Held: new_kind.", "The hold ends in 2 h at the latest."]);
});

claim("NextSteps.PutsThePersonFirst", () => {
    const steps = nextStepsOf(anOrder({
        state: "NeedsOperator",
        incidents: [{ incident_id: "1", cause: "x", text: "the reference is taken", opened_at: later(-9), closed_at: null },
            { incident_id: "0", cause: "x", text: "old", opened_at: later(-99), closed_at: later(-50) }],
    }), now);
    assert.deepEqual(steps.waits, ["A person: the reference is taken"]);
});

claim("NextSteps.FallsBackToTheNextLook", () =>
    assert.deepEqual(nextStepsOf(anOrder(), now).waits, ["It is looked at again in 5 s."]));

claim("NextSteps.TellsUnitsToComeInAndTheQueueForThem", () => {
    const cap = { line_id: "1", sku: "CAP", warehouse: "main", waiting: 1, held: 0, committed: 0, shipped: 0, released: 0, ahead: 0 };
    const reservations = [cap, { ...cap, sku: "HAT", waiting: 3, ahead: 2 }, { ...cap, sku: "X", waiting: 0 }];
    assert.deepEqual(nextStepsOf(anOrder({ state: "Backordered", reservations }), now).waits, [
        "1 unit of CAP to come in; it is first in the queue.",
        "3 units of HAT to come in; 2 orders are before it.",
    ]);
});

claim("NextSteps.TellsRetriesWithTheirError", () => {
    assert.equal(
        commandWords(aCommand({ attempt: 2, due_at: later(12), last_error: "503" }), now),
        "RequestFulfillment at main is tried again in 12 s. Last error: 503");
    assert.equal(commandWords(aCommand({ peer: null }), now), "RequestFulfillment at warehouse:1 waits for its turn.");
    assert.equal(commandWords(aCommand({ due_at: later(3) }), now), "RequestFulfillment at main is due in 3 s.");
    assert.ok(commandWords(aCommand({ state: "sent", attempt: 1, most_attempts: 6, deadline: later(20) }), now)
        .startsWith("The answer to RequestFulfillment at main: attempt 1 of 6, awaited until "));
});

claim("NextSteps.TellsThatAPeerIsLeftAlone", () => {
    const held = { not_before: later(30), breaker: "open", reason: "5 failures in a row" };
    assert.equal(
        commandWords(aCommand({ lane_held: held }), now),
        "RequestFulfillment at main waits until calls to main are let through again, in 30 s (5 failures in a row).");
    assert.equal(
        commandWords(aCommand({ lane_held: { ...held, not_before: later(-1), reason: "" } }), now),
        "RequestFulfillment at main waits until calls to main are let through again.");
});

claim("NextSteps.CountsTheAttemptUnderWay", () => {
    assert.equal(attemptWords(aCommand({ counted_attempts: 2 })), "2");
    assert.equal(attemptWords(aCommand({ counted_attempts: 0, attempt: 1, state: "closed", most_attempts: 6 })), "1");
    assert.equal(attemptWords(aCommand({ counted_attempts: 2, state: "sent", most_attempts: 6 })), "3 of 6");
});
