import assert from "node:assert/strict";
import { mayBeClosed } from "../src/incidents_page";
import { pauseAfter } from "../src/live";
import { changeWords } from "../src/preview";
import { headersOf, pathOf, words } from "../src/rest";
import { lockedWords, sessionOf, withMerchant } from "../src/session";
import { figureOf } from "../src/stock_page";
import { actionsIn, meaningOf, stateNames, toneOf } from "../src/words";
import { claim } from "./claim";

const at = (state: string, final = false, holds: string[] = []) => actionsIn({ state, final, remembers: { holds } });

claim("Words.ExplainEveryState", () => {
    assert.equal(stateNames.length, 15);
    for (const state of stateNames) assert.ok(meaningOf(state).endsWith("."), state);
    assert.equal(toneOf("SomethingNew"), "aside");
});

claim("Actions.AreOfferedOnlyWhereTheyChangeAnything", () => {
    assert.deepEqual(at("NeedsOperator"), ["retry", "cancel", "compensate"]);
    assert.deepEqual(at("Reserved"), ["hold", "cancel", "compensate"]);
    assert.deepEqual(at("OnHold"), ["release", "cancel", "compensate"]);
    assert.deepEqual(at("Backordered", false, ["operator"]), ["release", "cancel", "compensate"]);
    assert.deepEqual(at("FulfillmentRequested"), ["cancel", "compensate"]);
    for (const state of ["Shipped", "ReleasingStock", "SettlingOrder"]) assert.deepEqual(at(state), []);
    for (const state of ["Completed", "Compensated", "OutOfStock"]) assert.deepEqual(at(state, true), []);
});

claim("Rest.SendsTheProofOnlyWhereItBelongs", () => {
    assert.deepEqual(headersOf({ csrf: "x" }, false), { Accept: "application/json" });
    assert.deepEqual(headersOf({ csrf: "x" }, true), { Accept: "application/json", "X-CSRF-Token": "x" });
    assert.deepEqual(headersOf({ bearer: "t" }, true), { Accept: "application/json", Authorization: "Bearer t" });
});

claim("Rest.LeavesUnusedFiltersOut", () => {
    assert.equal(pathOf("/sagas", { state: "", store: undefined, open: false, after: "" }), "/sagas");
    assert.equal(pathOf("/sagas", { text: "#1 & 2", open: true, limit: 5 }), "/sagas?text=%231+%26+2&open=true&limit=5");
});

claim("Rest.TellsFaultsInPlainWords", () => {
    assert.equal(words(409, { detail: "in state Shipped this changes nothing" }), "In state Shipped this changes nothing.");
    assert.equal(words(403, { detail: "this token's role may not do that" }), "Your role may not do that.");
    assert.equal(words(502, null), "The server could not answer. Try again in a moment.");
    assert.equal(words(418, "text"), "The server refused it (418).");
    assert.equal(lockedWords(30), "Too many attempts. Try again in 30 s.");
    assert.equal(lockedWords(600), "Too many attempts. Try again in 10 min.");
});

claim("Live.ComesBackLaterAndLater", () => {
    assert.equal(pauseAfter(0, 0), 500);
    assert.equal(pauseAfter(0, 1), 1000);
    assert.equal(pauseAfter(50, 1), 30000);
    for (let failures = 1; failures < 8; ++failures) assert.ok(pauseAfter(failures, 0.5) >= pauseAfter(failures - 1, 0.5));
});

claim("Preview.TellsChangesItHasNeverHeardOf", () => {
    assert.equal(changeWords({ kind: "release", sku: "CAP", quantity: 2 }), "release CAP, quantity 2");
    assert.equal(changeWords({ kind: "new_kind", deep: { a: 1 } }), 'new_kind, deep {"a":1}');
});

claim("Session.NamesAMerchantOnlyWhereThereAreSeveral", () => {
    const answer = { operator: "anna", role: "operator" as const, merchants: ["shirts"], csrf_token: "c" };
    assert.deepEqual(sessionOf(answer).credentials, { csrf: "c" });
    const several = sessionOf({ ...answer, merchants: ["shirts", "hats"] });
    assert.equal(several.credentials.merchant, "shirts");
    assert.deepEqual(withMerchant(several, "hats").credentials, { csrf: "c", merchant: "hats" });
});

claim("Incidents.OfferToCloseOnlyWhatNoOrderWillClose", () => {
    const incident = { incident_id: "1", cause: "x", text: "", opened_at: "", updated_at: "", closed_at: null, subject: null };
    assert.ok(mayBeClosed({ ...incident, saga_id: null, saga_state: null, saga_final: null }));
    assert.ok(mayBeClosed({ ...incident, saga_id: "s", saga_state: "Completed", saga_final: true }));
    assert.ok(!mayBeClosed({ ...incident, saga_id: "s", saga_state: "NeedsOperator", saga_final: false }));
});

claim("Stock.ShowsWhatAStoreShowsAndShouldShow", () => {
    const listing = { listing_id: "1", store: "eu", believed: 1200, target: 1200, in_flight: 0, parked: "" };
    assert.equal(figureOf(listing), "1\u202f200");
    assert.equal(figureOf({ ...listing, target: 7 }), "1\u202f200 → 7");
    assert.equal(figureOf({ ...listing, believed: null, target: 7 }), "? → 7");
    assert.equal(figureOf({ ...listing, parked: "not stocked" }), "not stocked");
});
