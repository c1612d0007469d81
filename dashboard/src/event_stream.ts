// Server-sent events out of pieces of text, cut anywhere. Pure.

export interface StreamEvent {
    name: string;
    data: string;
}

export class EventStreamReader {
    private rest = "";

    // The events that are complete with this piece.
    push(piece: string): StreamEvent[] {
        this.rest += piece;
        const blocks = this.rest.split(/\r?\n\r?\n/);
        this.rest = blocks.pop() ?? "";
        return blocks.map(eventOf).filter((event): event is StreamEvent => event !== null);
    }
}

function eventOf(block: string): StreamEvent | null {
    let name = "message";
    const data: string[] = [];
    for (const line of block.split(/\r?\n/)) {
        const colon = line.indexOf(":");
        if (colon <= 0) continue;  // a comment, or a field without a value
        const value = line.slice(colon + 1).replace(/^ /, "");
        const field = line.slice(0, colon);
        if (field === "event") name = value;
        if (field === "data") data.push(value);
    }
    return data.length > 0 ? { name, data: data.join("\n") } : null;
}
