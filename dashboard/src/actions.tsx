// What an operator can do to an order. Every action asks for a reason; what undoes something shows first what it would do.
import { useState } from "preact/hooks";
import type { CommandResult, Saga } from "./answers";
import { spaced } from "./format";
import { PreviewShown, usePreview } from "./preview";
import { ReasonDialog } from "./reason_dialog";
import { useShared } from "./state";
import { type Action, actionsIn, actionWords } from "./words";

export function OrderActions({ saga, onDone }: { saga: Saga; onDone: () => void }) {
    const { session } = useShared();
    const [asked, setAsked] = useState<Action | null>(null);
    const actions = actionsIn(saga);
    if (session.role === "read" || actions.length === 0) return null;
    return (
        <div class="buttons" role="group" aria-label="Actions">
            {actions.map((action) => (
                <button key={action} type="button" class={undoes(action) ? "danger-quiet" : ""} onClick={() => setAsked(action)}>
                    {actionWords[action].label}
                </button>
            ))}
            {asked ? <ActionDialog key={asked} action={asked} saga={saga} onClose={() => setAsked(null)} onDone={() => { setAsked(null); onDone(); }} /> : null}
        </div>
    );
}

function undoes(action: Action): boolean {
    return action === "cancel" || action === "compensate";
}

function ActionDialog({ action, saga, onClose, onDone }: { action: Action; saga: Saga; onClose: () => void; onDone: () => void }) {
    const { calls, say } = useShared();
    // The preview and the act concern the version that was on the screen when the dialog opened, and no other.
    const [version] = useState(saga.version);
    const path = `/sagas/${saga.saga_id}/${action}`;
    const previewed = usePreview(undoes(action) ? saga.saga_id : null);
    const act = async (reason: string, key: string) => {
        const headers = { "Idempotency-Key": key, "If-Match": `"${version}"` };
        const result = await calls.post<CommandResult>(path, { reason }, headers);
        say(result.result === "duplicate" ? "That was done before." : `Done. The order is now: ${spaced(result.state)}.`);
        onDone();
    };
    const words = actionWords[action];
    return (
        <ReasonDialog title={words.title} tells={words.tells} confirm={words.label} dangerous={undoes(action)}
            ready={!undoes(action) || previewed.preview !== null} onConfirm={act} onClose={onClose}>
            {undoes(action) ? <PreviewShown {...previewed} /> : null}
        </ReasonDialog>
    );
}
