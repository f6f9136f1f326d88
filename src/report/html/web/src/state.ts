/** The state of a view stands in the address behind `#`, so that a view can be sent as a link. */
import { useEffect, useState } from "preact/hooks";

export interface Address { path: string[]; query: URLSearchParams }

export function address(): Address {
    const hash = location.hash.replace(/^#\/?/, "");
    const [path, query] = hash.split("?", 2);
    return { path: path.split("/").filter(Boolean), query: new URLSearchParams(query ?? "") };
}

export function href(path: string, query?: URLSearchParams | Record<string, string | string[]>): string {
    const search = query instanceof URLSearchParams ? query : new URLSearchParams();
    if (query && !(query instanceof URLSearchParams)) {
        for (const [name, value] of Object.entries(query)) for (const one of [value].flat()) search.append(name, one);
    }
    const text = search.toString();
    return `#/${path}${text ? `?${text}` : ""}`;
}

/** Changes the query of the address in place: no step of the history for every letter of a search. */
export function replaceQuery(change: (query: URLSearchParams) => void): void {
    const { path, query } = address();
    change(query);
    history.replaceState(null, "", href(path.join("/"), query));
    dispatchEvent(new HashChangeEvent("hashchange"));
}

export function setOrDelete(query: URLSearchParams, name: string, values: string[]): void {
    query.delete(name);
    for (const value of values) if (value) query.append(name, value);
}

export function useAddress(): Address {
    const [now, set] = useState(address);
    useEffect(() => {
        const changed = () => set(address());
        addEventListener("hashchange", changed);
        return () => removeEventListener("hashchange", changed);
    }, []);
    return now;
}

export type Theme = "auto" | "light" | "dark";

/** A file that is opened from a share may have no store; the choice then lasts as long as the page. */
export function storedTheme(): Theme {
    try {
        const theme = localStorage.getItem("derelict-theme");
        return theme === "light" || theme === "dark" ? theme : "auto";
    } catch {
        return "auto";
    }
}

export function applyTheme(theme: Theme): void {
    document.documentElement.dataset.theme = theme;
    try {
        localStorage.setItem("derelict-theme", theme);
    } catch {
        // See above.
    }
}
