import assert from "node:assert/strict";
import { hashOf, routeOf } from "../src/route";
import { claim } from "./claim";

claim("Route.LeadsBackToWhereItCameFrom", () => {
    const hash = hashOf("orders", "", { state: "OnHold", text: "#10 & 7/8", store: "" });
    assert.deepEqual(routeOf(hash), { page: "orders", item: "", filters: { state: "OnHold", text: "#10 & 7/8" } });
    const one = hashOf("orders", "a/b c");
    assert.deepEqual(routeOf(one), { page: "orders", item: "a/b c", filters: {} });
});

claim("Route.ShowsTheOverviewForWhatItDoesNotKnow", () => {
    for (const hash of ["", "#", "#/", "#/nothing", "#/__proto__", "#/orders%"]) {
        assert.ok(["overview", "orders"].includes(routeOf(hash).page), hash);
    }
    assert.equal(routeOf("#/nothing").page, "overview");
});

claim("Route.DoesNotStumbleOverBrokenEscapes", () => assert.equal(routeOf("#/orders/%E0%A4%A").item, "%E0%A4%A"));

claim("Route.LeavesEmptyFiltersOut", () => assert.equal(hashOf("orders", "", { state: "", store: "" }), "#/orders"));
