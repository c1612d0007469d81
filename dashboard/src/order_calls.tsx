// Who was called for an order, how often, and with which end.
import type { ComponentChildren } from "preact";
import type { Command } from "./answers";
import { moment, until } from "./format";
import { attemptWords, peerOf } from "./next_steps";
import { Cell, Empty, Mark, type MarkTone, Section } from "./parts";
import { useNow } from "./state";

export function Calls({ commands }: { commands: Command[] }) {
    const now = useNow();
    const newestFirst = [...commands].reverse();
    return (
        <Section title="Calls" aside={commands.length >= 50 ? <span class="muted">the newest 50</span> : undefined}>
            {commands.length === 0 ? <Empty title="Nobody outside has been called yet" /> : (
                <table class="list tight">
                    <thead><tr><th scope="col">Call</th><th scope="col">At</th><th scope="col" class="number">Attempts</th><th scope="col">State</th><th scope="col">Last error</th></tr></thead>
                    <tbody>
                        {newestFirst.map((command) => (
                            <tr key={command.command_id}>
                                <Cell label="Call">{command.activity}</Cell>
                                <Cell label="At">{peerOf(command)}</Cell>
                                <Cell label="Attempts" number>{command.attempt > 0 ? attemptWords(command) : "—"}</Cell>
                                <Cell label="State"><CommandState command={command} now={now} /></Cell>
                                <Cell label="Last error" wide>{command.last_error ? <LastError command={command} /> : "—"}</Cell>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
        </Section>
    );
}

function LastError({ command }: { command: Command }) {
    const inDoubt = command.perhaps_applied && command.state !== "closed";
    return (
        <>
            <span class="error-text">{command.last_error}</span>
            {inDoubt ? <span class="below muted">it may have happened; looked up before it is tried again</span> : null}
        </>
    );
}

const tones: Record<string, MarkTone> = { done: "good", unknown: "bad", refused: "bad", too_late: "warn" };

function CommandState({ command, now }: { command: Command; now: number }): ComponentChildren {
    if (command.state === "closed") {
        return <><Mark tone={tones[command.outcome] ?? "plain"}>{command.outcome || "given up"}</Mark>{command.closed_at ? <span class="below muted">{moment(command.closed_at, now)}</span> : null}</>;
    }
    if (command.state === "sent") return <Mark tone="warn">under way</Mark>;
    if (command.attempt === 0) return <Mark tone="plain">due {until(command.due_at, now)}</Mark>;
    return <Mark tone="warn">retry {until(command.due_at, now)}</Mark>;
}
