// What undoing an order would do, told by the engine without doing it.
import { useEffect, useState } from "preact/hooks";
import type { Preview } from "./answers";
import { several, spaced } from "./format";
import { Fault, StateBadge } from "./parts";
import { textOf, useShared } from "./state";

export interface Previewed {
    preview: Preview | null;
    fault: string;
}

export function usePreview(sagaId: string | null): Previewed {
    const { calls } = useShared();
    const [state, setState] = useState<Previewed>({ preview: null, fault: "" });
    useEffect(() => {
        if (!sagaId) return;
        let gone = false;
        calls.post<Preview>(`/sagas/${sagaId}/compensate`, { reason: "preview", dry_run: true }).then(
            (preview) => { if (!gone) setState({ preview, fault: "" }); },
            (problem) => {
                if (!gone) setState({ preview: null, fault: `It cannot be foretold: ${textOf(problem)}` });
            });
        return () => { gone = true; };
    }, [sagaId]);
    return state;
}

// One stock move of the preview in words; what is not known to this page is shown as it came.
export function changeWords(change: Record<string, unknown>): string {
    const text = (name: string) => (change[name] === undefined || change[name] === null ? "" : String(change[name]));
    const rest = Object.entries(change)
        .filter(([name]) => !["kind", "sku", "store", "warehouse"].includes(name))
        .map(([name, value]) => `${name.replace(/_/g, " ")} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
    const where = [text("sku"), text("store"), text("warehouse")].filter(Boolean).join(", ");
    return [`${text("kind")}${where ? ` ${where}` : ""}`, ...rest].join(", ");
}

export function PreviewShown({ preview, fault }: Previewed) {
    if (fault) return <Fault text={fault} />;
    if (!preview) return <p class="loading">Working out what would happen…</p>;
    return (
        <div class="preview">
            <p>If every step succeeds it ends as <StateBadge state={preview.ends_in} />. Nothing has been done yet.</p>
            <h3>{several(preview.calls.length, "call")} outside</h3>
            {preview.calls.length === 0 ? <p class="muted">None.</p> : (
                <ol>
                    {preview.calls.map((call, index) => (
                        <li key={index}><code>{call.activity}</code> by {call.lane}{call.already_under_way ? " (already under way)" : ""}</li>
                    ))}
                </ol>
            )}
            <h3>{several(preview.changes.length, "change")} of stock and stores</h3>
            {preview.changes.length === 0 ? <p class="muted">None.</p> : (
                <ul>{preview.changes.map((change, index) => <li key={index}>{changeWords(change)}</li>)}</ul>
            )}
            <details>
                <summary>{several(preview.path.length, "step")}</summary>
                <ol>
                    {preview.path.map((step, index) => (
                        <li key={index}>{spaced(step.event)}{step.from !== step.to ? <>: <StateBadge state={step.to} /></> : null}{step.note ? <span class="muted"> {step.note}</span> : null}</li>
                    ))}
                </ol>
            </details>
        </div>
    );
}
