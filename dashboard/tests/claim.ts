// A test whose name is "Suite.Claim", left out when GTEST_FILTER does not want it.
import { test } from "node:test";

declare const process: { env: Record<string, string | undefined> };

function fits(name: string, patterns: string): boolean {
    return patterns.split(":").some((pattern) => {
        const expression = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
        return new RegExp(`^${expression}$`).test(name);
    });
}

export function claim(name: string, body: () => void | Promise<void>): void {
    const filter = process.env["GTEST_FILTER"] ?? "*";
    const [wanted = "", unwanted = ""] = filter.split("-", 2);
    if (fits(name, wanted || "*") && !(unwanted && fits(name, unwanted))) test(name, body);
}
