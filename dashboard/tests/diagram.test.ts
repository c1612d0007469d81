import assert from "node:assert/strict";
import { viewOf, walkedIn } from "../src/diagram";
import { claim } from "./claim";

const entry = (version: number, from_state: string, to_state: string) =>
    ({ version, at: "", from_state, to_state, event: "E", cause: "", note: "", details: null });

claim("Diagram.MarksTheWayTheOrderCame", () => {
    const walked = walkedIn([entry(1, "", "Received"), entry(2, "Received", "Received"), entry(3, "Received", "Reserved")]);
    assert.deepEqual([...walked.states], ["Received", "Reserved"]);
    assert.deepEqual([...walked.arrows], ["Received Reserved"]);
});

claim("Diagram.ShowsEveryStateAndEveryBow", () => {
    const state = (left: number, top: number) => ({ name: "", left, top, width: 100, height: 40, final: false });
    assert.equal(viewOf({ width: 900, height: 500, states: [state(100, 200), state(700, 400)], arrows: [] }), "76 176 748 288");
    const arrow = (path: string) => ({ from: "", to: "", events: [], kind: "", path, label_x: 0, label_y: 0 });
    const states = [state(100, 200), state(700, 400)];
    assert.equal(viewOf({ width: 900, height: 500, states, arrows: [arrow("M150 200Q450 0 750 200")] }), "76 76 748 388");
    assert.equal(viewOf({ width: 900, height: 500, states, arrows: [arrow("M150 440Q450 640 750 440")] }), "76 176 748 388");
});
