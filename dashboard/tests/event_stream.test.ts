import assert from "node:assert/strict";
import { EventStreamReader } from "../src/event_stream";
import { claim } from "./claim";

const stream = 'retry: 2000\n\nevent: counts\ndata: {"a":1}\n\n: still here\n\nevent: order\ndata: {"b":\ndata: 2}\n\n';
const expected = [{ name: "counts", data: '{"a":1}' }, { name: "order", data: '{"b":\n2}' }];

claim("EventStream.ReadsEventsOutOfOnePiece", () => assert.deepEqual(new EventStreamReader().push(stream), expected));

claim("EventStream.ReadsEventsWhereverTheyAreCut", () => {
    for (let cut = 1; cut < stream.length; ++cut) {
        const reader = new EventStreamReader();
        assert.deepEqual([...reader.push(stream.slice(0, cut)), ...reader.push(stream.slice(cut))], expected, `cut at ${cut}`);
    }
    const reader = new EventStreamReader();
    assert.deepEqual([...stream].flatMap((letter) => reader.push(letter)), expected);
});

claim("EventStream.TakesWindowsLineEnds", () =>
    assert.deepEqual(new EventStreamReader().push("event: x\r\ndata: 1\r\n\r\n"), [{ name: "x", data: "1" }]));

claim("EventStream.KeepsWhatIsNotComplete", () => {
    const reader = new EventStreamReader();
    assert.deepEqual(reader.push("event: x\ndata: 1\n"), []);
    assert.deepEqual(reader.push("\n"), [{ name: "x", data: "1" }]);
});
