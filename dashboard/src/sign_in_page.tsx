// Two ways in: a name with a password, or a token.
import { useState } from "preact/hooks";
import { Fault } from "./parts";
import { type Session, signIn, signInByToken } from "./session";
import { textOf } from "./state";

export function SignInPage({ notice, onSignedIn }: { notice: string; onSignedIn: (session: Session) => void }) {
    const [byToken, setByToken] = useState(false);
    const [busy, setBusy] = useState(false);
    const [fault, setFault] = useState("");
    const submit = (event: Event) => {
        event.preventDefault();
        const fields = new FormData(event.target as HTMLFormElement);
        const field = (name: string) => String(fields.get(name) ?? "").trim();
        setBusy(true);
        setFault("");
        (byToken ? signInByToken(field("token"), field("merchant")) : signIn(field("name"), String(fields.get("password") ?? "")))
            .then(onSignedIn, (problem) => {
                setFault(textOf(problem));
                setBusy(false);
            });
    };
    return (
        <main class="sign-in">
            <form class="card" onSubmit={submit} autoComplete="on">
                <h1>ordersaga</h1>
                <p class="muted">{byToken ? "Sign in with a token." : "Sign in to see and steer orders."}</p>
                {notice && !fault ? <p class="notice" role="status">{notice}</p> : null}
                {fault ? <Fault text={fault} /> : null}
                {byToken ? (
                    <>
                        <label>
                            Token
                            <input key="token" name="token" type="password" required autoFocus autoComplete="off" spellcheck={false} />
                            <span class="hint">Made by <code>sagactl token create</code>. It is kept until this page is closed or loaded again.</span>
                        </label>
                        <label>
                            Merchant
                            <input key="merchant" name="merchant" autoComplete="off" spellcheck={false} placeholder="Only for a token of several" />
                        </label>
                    </>
                ) : (
                    <>
                        <label>
                            Name
                            <input key="name" name="name" required autoFocus autoComplete="username" spellcheck={false} />
                        </label>
                        <label>
                            Password
                            <input key="password" name="password" type="password" required autoComplete="current-password" />
                        </label>
                    </>
                )}
                <button type="submit" class="primary" disabled={busy}>{busy ? "Signing in…" : "Sign in"}</button>
                <button type="button" class="link" onClick={() => { setByToken(!byToken); setFault(""); }}>
                    {byToken ? "Use a name and a password" : "Use a token instead"}
                </button>
            </form>
        </main>
    );
}
