import assert from "node:assert/strict";
import { age, count, inOneUnit, moment, several, spaced, until, webAddress } from "../src/format";
import { claim } from "./claim";

const now = Date.parse("2026-07-01T12:00:00Z");
const ago = (milliseconds: number) => new Date(now - milliseconds).toISOString();

claim("Format.SaysAgesInOneUnit", () => {
    assert.equal(inOneUnit(0), "0 s");
    assert.equal(inOneUnit(89_999), "89 s");
    assert.equal(inOneUnit(90_000), "1 min");
    assert.equal(inOneUnit(89 * 60_000), "89 min");
    assert.equal(inOneUnit(90 * 60_000), "1 h");
    assert.equal(inOneUnit(48 * 3_600_000), "2 d");
    assert.equal(age(ago(12_000), now), "12 s");
});

claim("Format.NeverSaysANegativeAge", () => assert.equal(age(ago(-5_000), now), "0 s"));

claim("Format.SaysWhenSomethingIsDue", () => {
    assert.equal(until(ago(-1), now), "in 1 s");
    assert.equal(until(ago(-12_000), now), "in 12 s");
    assert.equal(until(ago(-71.9 * 3_600_000), now), "in 3 d");
    assert.equal(until(ago(0), now), "now");
    assert.equal(until(ago(60_000), now), "now");
});

claim("Format.NamesTheDateOnlyOfAnotherDay", () => {
    assert.ok(/^\d\d:\d\d:\d\d$/.test(moment(ago(1_000), now)));
    assert.ok(/^\d{1,2} May, \d\d:\d\d:\d\d$/.test(moment("2026-05-20T12:00:00Z", now)));
    assert.ok(/^\d{1,2} May 2025, /.test(moment("2025-05-20T12:00:00Z", now)));
});

claim("Format.ReadsWhatTheDatabaseWrites", () => assert.equal(age("2026-07-01T11:59:30.123456+00:00", now), "29 s"));

claim("Format.GroupsDigits", () => {
    assert.equal(count(999), "999");
    assert.equal(count(1234567), "1\u202f234\u202f567");
    assert.equal(several(1, "order"), "1 order");
    assert.equal(several(0, "order"), "0 orders");
    assert.equal(several(2, "peer does", "peers do"), "2 peers do");
});

claim("Format.SpacesNamesOfStates", () => {
    assert.equal(spaced("ChannelsSynced"), "Channels synced");
    assert.equal(spaced("OnHold"), "On hold");
    assert.equal(spaced("Received"), "Received");
});

claim("Format.LinksOnlyToTheWeb", () => {
    assert.equal(webAddress("https://track.example/1"), "https://track.example/1");
    for (const bad of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//x", "", "not one"])
        assert.equal(webAddress(bad), null, bad);
});
