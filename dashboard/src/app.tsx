// The frame around all pages: who is signed in, where we are, what the live stream tells.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { MovedOrder, Summary } from "./answers";
import { IncidentsPage } from "./incidents_page";
import { listenLive, type LiveState } from "./live";
import { OrderPage } from "./order_page";
import { OrdersPage } from "./orders_page";
import { OverviewPage } from "./overview_page";
import { Fault } from "./parts";
import { callsFor } from "./rest";
import { hashOf, routeOf, type Route } from "./route";
import { restored, type Session, signOut, withMerchant } from "./session";
import { SignInPage } from "./sign_in_page";
import { SharedContext, textOf } from "./state";
import { StockPage } from "./stock_page";
import { StoresPage } from "./stores_page";

export function App() {
    const [session, setSession] = useState<Session | null>(null);
    const [looked, setLooked] = useState(false);
    const [notice, setNotice] = useState("");
    useEffect(() => {
        restored()
            .then(setSession, (fault) => setNotice(textOf(fault)))
            .finally(() => setLooked(true));
    }, []);
    const onEnded = useCallback((text: string) => {
        setNotice(text);
        setSession(null);
    }, []);
    if (!looked) return <p class="loading">Loading…</p>;
    if (!session) return <SignInPage notice={notice} onSignedIn={(signedIn) => { setNotice(""); setSession(signedIn); }} />;
    const onMerchant = (merchant: string) => setSession(withMerchant(session, merchant));
    // Nothing of one merchant stays on the screen under the name of another.
    return <Signed key={session.credentials.merchant} session={session} onMerchant={onMerchant} onEnded={onEnded} />;
}

function useRoute(): Route {
    const [route, setRoute] = useState(routeOf(location.hash));
    useEffect(() => {
        const onChange = () => {
            setRoute(routeOf(location.hash));
            document.getElementById("content")?.focus({ preventScroll: true });
            window.scrollTo(0, 0);
        };
        window.addEventListener("hashchange", onChange);
        return () => window.removeEventListener("hashchange", onChange);
    }, []);
    return route;
}

const titles: Record<string, string> = {
    overview: "Overview",
    orders: "Orders",
    incidents: "Incidents",
    stores: "Stores",
    stock: "Stock",
};

const ended = "Your session has ended. Sign in again.";

function Signed({ session, onMerchant, onEnded }: {
    session: Session;
    onMerchant: (merchant: string) => void;
    onEnded: (text: string) => void;
}) {
    const route = useRoute();
    const [counts, setCounts] = useState<Summary | null>(null);
    const [live, setLive] = useState<LiveState>("connecting");
    const [said, setSaid] = useState("");
    const listeners = useRef(new Set<(order: MovedOrder | null) => void>());
    const calls = useMemo(() => callsFor(session.credentials, () => onEnded(ended)), [session, onEnded]);
    useEffect(() => listenLive(session.credentials, {
        onState: setLive,
        onCounts: setCounts,
        onOrder: (order) => listeners.current.forEach((listener) => listener(order)),
        onMissed: () => listeners.current.forEach((listener) => listener(null)),
        onRefused: () => onEnded(ended),
    }), [session, onEnded]);
    const onMoved = useCallback((listener: (order: MovedOrder | null) => void) => {
        listeners.current.add(listener);
        return () => void listeners.current.delete(listener);
    }, []);
    useEffect(() => {
        if (!said) return;
        const timer = setTimeout(() => setSaid(""), 8000);
        return () => clearTimeout(timer);
    }, [said]);
    useEffect(() => {
        const attention = counts && counts.open_incidents > 0 ? `(${counts.open_incidents}) ` : "";
        document.title = `${attention}${titles[route.page]} · ordersaga`;
    }, [route.page, counts]);
    const shared = useMemo(
        () => ({ session, calls, counts, live, onMoved, say: setSaid }), [session, calls, counts, live, onMoved]);
    const leave = () => signOut(session).then(() => onEnded("You have signed out."), (fault) => setSaid(textOf(fault)));
    return (
        <SharedContext.Provider value={shared}>
            <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById("content")?.focus(); }}>
                Skip to the content
            </a>
            <Header page={route.page} counts={counts} live={live}>
                <MerchantChoice session={session} onMerchant={onMerchant} />
                <span class="operator">{session.operator}</span>
                <button type="button" class="quiet" onClick={leave}>Sign out</button>
            </Header>
            <main id="content" tabIndex={-1}>{pageOf(route)}</main>
            <div class="said" role="status" aria-live="polite">{said ? <p>{said}</p> : null}</div>
        </SharedContext.Provider>
    );
}

function pageOf(route: Route) {
    switch (route.page) {
        case "orders":
            return route.item ? <OrderPage key={route.item} id={route.item} /> : <OrdersPage filters={route.filters} />;
        case "incidents": return <IncidentsPage />;
        case "stores": return <StoresPage />;
        case "stock": return <StockPage filters={route.filters} />;
        case "overview": return <OverviewPage />;
        default: return <Fault text="There is no such page." />;
    }
}

const liveWords: Record<LiveState, string> = {
    live: "Live",
    connecting: "Connecting",
    away: "Not live: trying again",
    paused: "Paused",
};

function MerchantChoice({ session, onMerchant }: { session: Session; onMerchant: (merchant: string) => void }) {
    if (session.merchants.length < 2) return null;
    return (
        <select class="merchant" aria-label="Merchant" value={session.credentials.merchant} onChange={(event) => onMerchant(event.currentTarget.value)}>
            {session.merchants.map((name) => <option key={name} value={name}>{name}</option>)}
        </select>
    );
}

function Header({ page, counts, live, children }: {
    page: string;
    counts: Summary | null;
    live: LiveState;
    children: ComponentChildren;
}) {
    const attention = (counts?.open_incidents ?? 0) + (counts?.parked_items ?? 0);
    return (
        <header class="top">
            <a class="brand" href={hashOf("overview")}>ordersaga</a>
            <nav aria-label="Pages">
                {Object.entries(titles).map(([name, title]) => (
                    <a key={name} href={hashOf(name)} {...(page === name ? { "aria-current": "page" as const } : {})}>
                        {title}
                        {name === "incidents" && attention > 0 ? <span class="bubble">{attention}</span> : null}
                    </a>
                ))}
            </nav>
            <div class="who">
                <span class={`live live-${live}`} title={liveWords[live]}><span class="dot" /><span class="live-text">{liveWords[live]}</span></span>
                {children}
            </div>
        </header>
    );
}
