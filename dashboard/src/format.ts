// Times and numbers as people on shift read them. Pure: the present is handed in.

const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

export function inOneUnit(milliseconds: number, whole: (value: number) => number = Math.floor): string {
    const length = Math.max(0, milliseconds);
    if (length < 90 * second) return `${whole(length / second)} s`;
    if (length < 90 * minute) return `${whole(length / minute)} min`;
    if (length < 48 * hour) return `${whole(length / hour)} h`;
    return `${whole(length / day)} d`;
}

export function age(at: string, now: number): string {
    return inOneUnit(now - Date.parse(at));
}

// "in 12 s", or "now" when the time has come. Rounded up: what is waited for is not promised too early.
export function until(at: string, now: number): string {
    const left = Date.parse(at) - now;
    return left <= 0 ? "now" : `in ${inOneUnit(left, Math.ceil)}`;
}

const two = (value: number) => String(value).padStart(2, "0");
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// The time of day; with its date when that is not today's. Local time.
export function moment(at: string, now: number): string {
    const time = new Date(at), today = new Date(now);
    const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
    if (time.toDateString() === today.toDateString()) return clock;
    const date = `${time.getDate()} ${months[time.getMonth()]}`;
    return `${date}${time.getFullYear() === today.getFullYear() ? "" : ` ${time.getFullYear()}`}, ${clock}`;
}

export function count(value: number): string {
    return String(Math.trunc(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export function several(value: number, one: string, many = `${one}s`): string {
    return `${count(value)} ${value === 1 ? one : many}`;
}

// "ChannelsSynced" as "Channels synced".
export function spaced(name: string): string {
    const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").split(" ");
    return words.map((word, index) => (index === 0 ? word : word.toLowerCase())).join(" ");
}

// An address that may become a link: nothing but the web.
export function webAddress(text: string): string | null {
    try {
        const url = new URL(text);
        return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
    } catch {
        return null;
    }
}
