// Where the dashboard is: "#/orders/0199d2b0-...", "#/orders?state=OnHold". Pure.

export interface Route {
    page: string;
    item: string;  // what stands behind the page's name; "" when nothing does
    filters: Record<string, string>;
}

export const pages = ["overview", "orders", "incidents", "stores", "stock"] as const;

export function routeOf(hash: string): Route {
    const text = hash.replace(/^#?\/?/, "");
    const question = text.indexOf("?");
    const path = question < 0 ? text : text.slice(0, question);
    const [page = "", item = ""] = path.split("/", 2).map(decoded);
    const filters: Record<string, string> = {};
    if (question >= 0) {
        for (const [name, value] of new URLSearchParams(text.slice(question + 1))) if (value) filters[name] = value;
    }
    return { page: (pages as readonly string[]).includes(page) ? page : "overview", item, filters };
}

export function hashOf(page: string, item = "", filters: Record<string, string> = {}): string {
    const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ""));
    query.sort();
    const text = query.toString();
    return `#/${page}${item ? `/${encodeURIComponent(item)}` : ""}${text ? `?${text}` : ""}`;
}

function decoded(part: string): string {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}
