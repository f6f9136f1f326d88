/** The list of everything: groups or files, searched, filtered, sorted, chosen from, and saved as CSV. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { asOf, files, filesOfGroup, groups, head } from "./data";
import { FACETS, datastoresOfGroup, filterOf, matchingFiles, matchingGroups, options, type Facet } from "./filter";
import { age, bytes, count, csvField, date, number } from "./format";
import { Grid, sorted, type Column } from "./grid";
import { Signature, VerdictTag, download } from "./parts";
import { href, replaceQuery, setOrDelete, useAddress } from "./state";
import { VERDICTS } from "./words";

/** Rows that a printed list shows; an audit file wants the largest, a spreadsheet all. */
const PRINTED = 400;

const owners = (row: number) => files.owners(row).map((owner) => owner.name).join("; ");
/** Their words are known and short: paper breaks none of them. */
const isWord = ({ id }: Column) => id === "risk" || FACETS.some((facet) => facet === id && facet !== "datastore");
const unknownLast = (text: string) => (text === "?" ? "" : text);
const CONFIDENCE_ORDER = ["low", "medium", "high"];

const FILE_COLUMNS: Column[] = [
    { id: "verdict", title: "Verdict", text: (row) => files.verdict.at(row), value: (row) => VERDICTS.indexOf(files.verdict.at(row) as never), verdict: true, width: 136 },
    { id: "name", title: "File", text: (row) => files.relative(row), link: (row) => href(`file/${row}`), wide: true, value: (row) => row },
    { id: "bytes", title: "Allocated", text: (row) => bytes(files.allocated[row]), value: (row) => files.bytes(row), right: true, width: 106 },
    { id: "class", title: "Class", text: (row) => files.class.at(row), width: 148 },
    { id: "kind", title: "Kind", text: (row) => files.kind.at(row), width: 118 },
    { id: "confidence", title: "Confidence", text: (row) => files.confidence.at(row), value: (row) => CONFIDENCE_ORDER.indexOf(files.confidence.at(row)), width: 98 },
    { id: "reclaim", title: "Reclaim", text: (row) => files.reclaim.at(row), width: 90 },
    { id: "risk", title: "Risk", text: (row) => files.risk.at(row), width: 84 },
    { id: "age", title: "Written", text: (row) => age(asOf, files.modified[row]), value: (row) => -files.modified[row], right: true, width: 80 },
    { id: "datastore", title: "Datastore", text: (row) => files.datastore.at(row), width: 136 },
    { id: "owner", title: "Owner", text: owners, width: 116 },
    { id: "accepted", title: "Accepted", text: (row) => files.accepted.at(row), width: 150, hidden: true },
    { id: "length", title: "Length", text: (row) => bytes(files.apparent[row]), value: (row) => files.apparent[row], right: true, width: 105, hidden: true },
    { id: "virtual", title: "Virtual size", text: (row) => unknownLast(bytes(files.virtual[row])), value: (row) => files.virtual[row], right: true, width: 105, hidden: true },
    { id: "date", title: "Date", text: (row) => unknownLast(date(files.modified[row])), value: (row) => files.modified[row], width: 105, hidden: true },
    { id: "platform", title: "Platform", text: (row) => files.platform.at(row), width: 95, hidden: true },
    { id: "path", title: "Path", text: (row) => files.path(row), value: (row) => row, width: 320, hidden: true },
];

const groupPlatform = (place: number) => {
    const row = filesOfGroup[place][0];
    return row === undefined ? "" : files.platform.at(row);
};
const groupRisk = (place: number) => (filesOfGroup[place].some((row) => files.risk.at(row)) ? "data-loss" : "");

const groupAccepted = (place: number) => (groups[place].accepted ? [...new Set(filesOfGroup[place].map((row) => files.accepted.at(row)))].join("; ") : "");

function backupOfGroup(place: number): string {
    const { backups, unprotected } = groups[place];
    return unprotected ? "none" : (backups ?? []).join("; ");
}

const GROUP_COLUMNS: Column[] = [
    { id: "verdict", title: "Verdict", text: (place) => groups[place].verdict, value: (place) => VERDICTS.indexOf(groups[place].verdict as never), verdict: true, width: 136 },
    { id: "name", title: "Group", text: (place) => groups[place].title, link: (place) => href(`group/${place}`), wide: true },
    { id: "bytes", title: "Allocated", text: (place) => bytes(groups[place].allocated_bytes), value: (place) => groups[place].allocated_bytes, right: true, width: 106 },
    { id: "files", title: "Files", text: (place) => number(groups[place].files), value: (place) => groups[place].files, right: true, width: 62 },
    { id: "class", title: "Class", text: (place) => groups[place].class, width: 148 },
    { id: "confidence", title: "Confidence", text: (place) => groups[place].confidence, value: (place) => CONFIDENCE_ORDER.indexOf(groups[place].confidence), width: 98 },
    { id: "reclaim", title: "Reclaim", text: (place) => groups[place].reclaim, width: 90 },
    { id: "risk", title: "Risk", text: groupRisk, width: 84 },
    { id: "age", title: "Written", text: (place) => age(asOf, groups[place].modified ?? NaN), value: (place) => -(groups[place].modified ?? NaN), right: true, width: 80 },
    { id: "datastore", title: "Datastore", text: datastoresOfGroup, width: 136 },
    { id: "owner", title: "Last owner", text: (place) => groups[place].owner, width: 116 },
    { id: "backup", title: "Backup", text: backupOfGroup, value: (place) => (groups[place].unprotected ? " none" : backupOfGroup(place)), width: 150, hidden: head.backups.length === 0 },
    { id: "accepted", title: "Accepted", text: groupAccepted, width: 150, hidden: !groups.some((group) => group.accepted) },
    { id: "platform", title: "Platform", text: groupPlatform, width: 95, hidden: true },
    { id: "date", title: "Date", text: (place) => unknownLast(date(groups[place].modified ?? NaN)), value: (place) => groups[place].modified ?? NaN, width: 105, hidden: true },
];

const LEVELS = {
    groups: { columns: GROUP_COLUMNS, rows: matchingGroups, bytes: (place: number) => groups[place].allocated_bytes, noun: "group" },
    files: { columns: FILE_COLUMNS, rows: matchingFiles, bytes: (row: number) => files.bytes(row), noun: "file" },
};

const SIZES = [["", "any size"], [`${1 << 20}`, "from 1 MiB"], [`${1 << 30}`, "from 1 GiB"], [`${10 * 2 ** 30}`, "from 10 GiB"], [`${100 * 2 ** 30}`, "from 100 GiB"], [`${2 ** 40}`, "from 1 TiB"]];
const AGES = [["", "any age"], ["30", "older than 30 days"], ["90", "older than 90 days"], ["180", "older than 180 days"], ["365", "older than a year"], ["730", "older than two years"]];
const ACCEPTED = [["", "accepted or not"], ["no", "not accepted"], ["yes", "accepted"]];
const BACKUPS = [["", "backed up or not"], ["none", "without a backup"], ["some", "may have a backup"]];
const FACET_TITLES: Record<Facet, string> = {
    verdict: "Verdict", class: "Class", confidence: "Confidence", reclaim: "Reclaim", datastore: "Datastore", platform: "Platform", kind: "Kind",
};

function FacetMenu({ facet, chosen }: { facet: Facet; chosen: string[] }) {
    const all = useMemo(() => options(facet), [facet]);
    const menu = useRef<HTMLDetailsElement>(null);
    useClosing(menu);
    const toggle = (value: string) =>
        replaceQuery((query) => setOrDelete(query, facet, chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value]));
    if (all.length === 0) return null;
    return (
        <details class="menu" ref={menu}>
            <summary class={chosen.length ? "button chosen" : "button"}>
                {FACET_TITLES[facet]}{chosen.length > 0 && <span class="badge">{chosen.length}</span>}
            </summary>
            <fieldset>
                <legend class="hidden">{FACET_TITLES[facet]}</legend>
                {all.map(({ value, files }) => (
                    <label key={value}>
                        <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
                        {facet === "verdict" ? <VerdictTag verdict={value} /> : <bdi class="option" dir="auto">{value}</bdi>}
                        <span class="number">{number(files)}</span>
                    </label>
                ))}
            </fieldset>
        </details>
    );
}

/** An open menu closes on Escape and on a click elsewhere. */
function useClosing(menu: { current: HTMLDetailsElement | null }) {
    useEffect(() => {
        const close = (event: Event) => {
            const open = menu.current;
            if (!open?.open) return;
            if (event instanceof KeyboardEvent) {
                if (event.key !== "Escape") return;
                open.open = false;
                open.querySelector("summary")?.focus();
            } else if (!open.contains(event.target as Node)) open.open = false;
        };
        addEventListener("click", close);
        addEventListener("keydown", close);
        return () => { removeEventListener("click", close); removeEventListener("keydown", close); };
    }, []);
}

function Select({ name, values, chosen, label }: { name: string; values: string[][]; chosen: string; label: string }) {
    return (
        <select class={chosen ? "chosen" : ""} aria-label={label} value={chosen}
            onChange={(event) => replaceQuery((query) => setOrDelete(query, name, [event.currentTarget.value]))}>
            {values.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select>
    );
}

function ColumnMenu({ columns, hidden }: { columns: Column[]; hidden: Set<string> }) {
    const menu = useRef<HTMLDetailsElement>(null);
    useClosing(menu);
    const toggle = (id: string) => replaceQuery((query) => {
        const shown = columns.filter((column) => hidden.has(column.id) === (column.id === id)).map((column) => column.id);
        setOrDelete(query, "columns", [shown.join(".")]);
    });
    return (
        <details class="menu right" ref={menu}>
            <summary class="button">Columns</summary>
            <fieldset>
                <legend class="hidden">Columns</legend>
                {columns.map((column) => (
                    <label key={column.id}>
                        <input type="checkbox" checked={!hidden.has(column.id)} disabled={column.id === "name"} onChange={() => toggle(column.id)} />
                        <span class="option">{column.title}</span>
                    </label>
                ))}
            </fieldset>
        </details>
    );
}

/** What was chosen stays chosen while other views are looked at. */
const chosenRows = { groups: new Set<number>(), files: new Set<number>() };

export function List() {
    const { query } = useAddress();
    const levelName = query.get("level") === "files" ? "files" : "groups";
    const level = LEVELS[levelName];
    const filter = filterOf(query);
    const sort = query.get("sort") ?? "-bytes";
    const filterKey = JSON.stringify(filter) + levelName;
    const found = useMemo(() => level.rows(filter), [filterKey]);
    const order = useMemo(() => sorted(found, level.columns, sort), [found, sort]);
    const shown = query.get("columns")?.split(".");
    const hidden = new Set(level.columns.filter((column) => (shown ? !shown.includes(column.id) : column.hidden)).map((column) => column.id));
    hidden.delete("name");

    const chosen = chosenRows[levelName];
    const [version, setVersion] = useState(0);
    const changed = () => setVersion((last) => last + 1);
    const selection = {
        version, has: (row: number) => chosen.has(row),
        toggle: (row: number) => { if (!chosen.delete(row)) chosen.add(row); changed(); },
    };
    const sum = (rows: Iterable<number>) => { let all = 0; for (const row of rows) all += level.bytes(row); return all; };
    const foundBytes = useMemo(() => sum(found), [found]);

    const save = () => {
        const rows = order.filter((row) => chosen.has(row));
        const rest = [...chosen].filter((row) => !rows.includes(row));
        download(`derelict-${levelName}.csv`, "text/csv", csvOf(levelName, [...rows, ...rest]));
    };
    const [text, setText] = useState(filter.search);
    useEffect(() => setText(filter.search), [filter.search]);

    return (
        <main class="list" id="main">
            <h1 class="hidden">{levelName === "groups" ? "Groups" : "Files"}</h1>
            <div class="bar no-print" role="search">
                <input type="search" class="search" placeholder="Search paths, classes, kinds, owners" aria-label="Search" value={text}
                    onInput={(event) => { setText(event.currentTarget.value); const value = event.currentTarget.value; replaceQuery((query) => setOrDelete(query, "q", [value])); }} />
                {FACETS.map((facet) => <FacetMenu key={facet} facet={facet} chosen={filter[facet]} />)}
                <Select name="size" label="Size" values={SIZES} chosen={query.get("size") ?? ""} />
                <Select name="age" label="Age" values={AGES} chosen={query.get("age") ?? ""} />
                {head.backups.length > 0 && <Select name="backup" label="Backup" values={BACKUPS} chosen={filter.backup} />}
                {head.accepted.length > 0 && <Select name="accepted" label="Accepted" values={ACCEPTED} chosen={filter.accepted} />}
                <input class={filter.owner ? "owner chosen" : "owner"} placeholder="Owner" aria-label="Owner" value={filter.owner}
                    onInput={(event) => { const value = event.currentTarget.value; replaceQuery((query) => setOrDelete(query, "owner", [value])); }} />
                <a class="button quiet" href={href("list", { level: levelName })}>Clear</a>
            </div>
            <div class="bar no-print">
                <div class="switch" role="group" aria-label="What is listed">
                    {(["groups", "files"] as const).map((name) => (
                        <button key={name} type="button" aria-pressed={levelName === name}
                            onClick={() => replaceQuery((query) => { setOrDelete(query, "level", [name]); query.delete("columns"); query.delete("sort"); })}>
                            {name === "groups" ? "Groups" : "Files"}
                        </button>
                    ))}
                </div>
                <p class="found" role="status"><b>{count(found.length, level.noun)}</b>, {bytes(foundBytes)}</p>
                <span class="gap" />
                <p class="selected" role="status">
                    {chosen.size > 0 && <><b>{count(chosen.size, level.noun)}</b> selected, <b>{bytes(sum(chosen))}</b></>}
                </p>
                <button type="button" class="button" onClick={() => { for (const row of found) chosen.add(row); changed(); }}>Select all found</button>
                <button type="button" class="button" disabled={chosen.size === 0} onClick={() => { chosen.clear(); changed(); }}>Clear selection</button>
                <button type="button" class="button" disabled={chosen.size === 0} onClick={save}>Save as CSV</button>
                <ColumnMenu columns={level.columns} hidden={hidden} />
            </div>
            <Grid key={levelName} columns={level.columns} order={order} sort={sort} selection={selection} hidden={hidden}
                label={levelName === "groups" ? "Groups of files" : "Files"}
                onSort={(sort) => replaceQuery((query) => setOrDelete(query, "sort", [sort]))} />
            <Printed columns={level.columns.filter((column) => !hidden.has(column.id))} order={order} />
        </main>
    );
}

export function csvOf(level: "groups" | "files", rows: number[]): string {
    const files_ = level === "groups" ? rows.flatMap((place) => filesOfGroup[place]) : rows;
    const header = ["path", "datastore", "kind", "verdict", "class", "confidence", "reclaim", "risk", "group", "owners", "apparent_bytes", "allocated_bytes", "modified", "accepted", "last_owner", "vm_noted_owner"];
    const number = (value: number) => (Number.isNaN(value) ? "" : value);
    const lines = files_.map((row) => [
        files.path(row), files.datastore.at(row), files.kind.at(row), files.verdict.at(row), files.class.at(row), files.confidence.at(row),
        files.reclaim.at(row), files.risk.at(row), files.group[row] < 0 ? "" : groups[files.group[row]].title, owners(row),
        number(files.apparent[row]), number(files.allocated[row]), date(files.modified[row]), files.accepted.at(row),
        files.group[row] < 0 ? "" : groups[files.group[row]].owner, [...new Set(files.owners(row).map((owner) => owner.noted).filter(Boolean))].join("; "),
    ].map(csvField).join(","));
    return [header.join(","), ...lines, ""].join("\r\n");
}

/** The same list as a plain table, for paper: a grid prints only what is in sight. */
function Printed({ columns, order }: { columns: Column[]; order: Int32Array }) {
    const [printing, setPrinting] = useState(false);
    useEffect(() => {
        const media = matchMedia("print");
        const on = () => setPrinting(true);
        const off = () => setPrinting(false);
        const changed = () => setPrinting(media.matches);
        addEventListener("beforeprint", on);
        addEventListener("afterprint", off);
        media.addEventListener("change", changed);
        return () => { removeEventListener("beforeprint", on); removeEventListener("afterprint", off); media.removeEventListener("change", changed); };
    }, []);
    if (!printing) return null;
    const rows = [...order.slice(0, PRINTED)];
    return (
        <div class="print-only">
            <p><b>{head.result}</b> {head.certainty}</p>
            <table class="plain">
                <thead><tr>{columns.map((column) => <th key={column.id} class={column.right ? "right" : ""}>{column.title}</th>)}</tr></thead>
                <tbody>
                    {rows.map((row) => (
                        <tr key={row}>{columns.map((column) => <td key={column.id} class={column.right ? "right" : column.wide ? "grow" : isWord(column) ? "word" : ""}><bdi dir="auto">{column.text(row)}</bdi></td>)}</tr>
                    ))}
                </tbody>
            </table>
            {order.length > PRINTED && <p>… and {number(order.length - PRINTED)} more: see the CSV, workbook or JSON report.</p>}
            <Signature />
        </div>
    );
}
