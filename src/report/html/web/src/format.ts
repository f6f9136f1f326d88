/** Values as they are written for people, in the words of the other forms of the report. */

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

export function bytes(value: number | null | undefined): string {
    if (value == null || Number.isNaN(value)) return "?";
    if (value < 1024) return `${value} B`;
    let size = value;
    let unit = -1;
    do {
        size /= 1024;
        unit += 1;
    } while (unit + 1 < UNITS.length && Math.round(size * 10) >= 10240);
    return `${(Math.round(size * 10) / 10).toFixed(1)} ${UNITS[unit]}`;
}

export function number(value: number): string {
    return value.toLocaleString("en-US");
}

export function count(value: number, noun: string): string {
    return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Age in days as of the report; seconds since 1970 are given. */
export function age(asOf: number, seconds: number): string {
    if (Number.isNaN(seconds)) return "?";
    const hours = Math.max(0, Math.floor((asOf - seconds) / 3600));
    return hours < 48 ? `${hours} h` : `${number(Math.floor(hours / 24))} d`;
}

export function date(seconds: number): string {
    return Number.isNaN(seconds) ? "?" : new Date(seconds * 1000).toISOString().slice(0, 10);
}

export function time(text: string | null | undefined): string {
    return text ? `${text.slice(0, 16).replace("T", " ")} UTC` : "?";
}

/** One field of CSV. What a spreadsheet would read as a formula gets an apostrophe in front. */
export function csvField(value: string | number): string {
    let text = String(value);
    if (typeof value === "string" && /^ *[=+\-@\t\r\n＝＋－＠]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A path in single quotes for a shell. */
export function quoted(path: string): string {
    return `'${path.replaceAll("'", "'\\''")}'`;
}
