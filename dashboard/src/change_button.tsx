// A button for a change that needs no more than a reason: asks for it, sends it once, and says what was done.
import { useState } from "preact/hooks";
import { ReasonDialog } from "./reason_dialog";
import { useShared } from "./state";

export interface Change {
    path: string;
    label: string;
    title: string;
    tells: string;
    done: string;
    dangerous?: boolean;
}

// Not shown to who may only look.
export function ChangeButton({ change, onDone }: { change: Change; onDone: () => void }) {
    const { session } = useShared();
    const [asking, setAsking] = useState(false);
    if (session.role === "read") return null;
    return (
        <>
            <button type="button" class="small" onClick={() => setAsking(true)}>{change.label}</button>
            {asking ? <ChangeDialog change={change} onClose={() => setAsking(false)} onDone={() => { setAsking(false); onDone(); }} /> : null}
        </>
    );
}

function ChangeDialog({ change, onClose, onDone }: { change: Change; onClose: () => void; onDone: () => void }) {
    const { calls, say } = useShared();
    const confirm = async (reason: string, key: string) => {
        await calls.post(change.path, { reason }, { "Idempotency-Key": key });
        say(change.done);
        onDone();
    };
    return (
        <ReasonDialog title={change.title} tells={change.tells} confirm={change.label} dangerous={change.dangerous ?? false}
            onConfirm={confirm} onClose={onClose} />
    );
}
