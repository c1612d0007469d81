// Asks for the reason of a change before it is made; the reason goes into the audit.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Fault } from "./parts";
import { newKey } from "./rest";
import { textOf } from "./state";

export function ReasonDialog({ title, tells, confirm, dangerous, children, ready = true, onConfirm, onClose }: {
    title: string;
    tells: string;
    confirm: string;
    dangerous?: boolean;
    children?: ComponentChildren;
    ready?: boolean;
    onConfirm: (reason: string, key: string) => Promise<void>;
    onClose: () => void;
}) {
    const dialog = useRef<HTMLDialogElement>(null);
    const [reason, setReason] = useState("");
    const [busy, setBusy] = useState(false);
    const [fault, setFault] = useState("");
    // The same again after a lost answer does nothing twice; another reason is another change.
    const sent = useRef({ reason: "", key: "" });
    useEffect(() => {
        // The browser keeps the focus inside and gives it back afterwards.
        dialog.current?.showModal();
    }, []);
    const submit = (event: Event) => {
        event.preventDefault();
        if (!reason.trim() || busy || !ready) return;
        setBusy(true);
        setFault("");
        const given = reason.trim();
        if (sent.current.reason !== given) sent.current = { reason: given, key: newKey() };
        onConfirm(given, sent.current.key).catch((problem) => {
            setFault(textOf(problem));
            setBusy(false);
        });
    };
    return (
        <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
            <form onSubmit={submit}>
                <h2 id="dialog-title">{title}</h2>
                <p class="muted">{tells}</p>
                {children}
                <label>
                    Reason
                    <input value={reason} required maxLength={400} autoFocus placeholder="It is kept in the audit"
                        onInput={(event) => setReason(event.currentTarget.value)} />
                </label>
                {fault ? <Fault text={fault} /> : null}
                <div class="buttons end">
                    <button type="button" onClick={onClose}>Leave it</button>
                    <button type="submit" class={dangerous ? "danger" : "primary"} disabled={busy || !ready || !reason.trim()}>
                        {busy ? "Working…" : confirm}
                    </button>
                </div>
            </form>
        </dialog>
    );
}
