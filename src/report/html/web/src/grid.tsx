/** The grid of every long list: AG Grid, which asks for the rows that are in sight and gets them in the order given. */
import {
    ColumnApiModule, EventApiModule, InfiniteRowModelModule, ModuleRegistry, RenderApiModule, CellStyleModule, createGrid,
    themeQuartz, type ColDef, type GridApi, type ICellRendererParams, type IDatasource,
} from "ag-grid-community";
import { useEffect, useRef } from "preact/hooks";
import { verdictShape } from "./parts";

ModuleRegistry.registerModules([InfiniteRowModelModule, ColumnApiModule, EventApiModule, RenderApiModule, CellStyleModule]);

export interface Column {
    id: string;
    title: string;
    /** What is shown, and what a search in the list would find. */
    text: (row: number) => string;
    /** What it is sorted by, and what goes into a CSV; the text where it is not given. */
    value?: (row: number) => string | number;
    width?: number;
    /** Takes the room that is left. */
    wide?: boolean;
    right?: boolean;
    link?: (row: number) => string;
    /** A verdict, shown with its icon. */
    verdict?: boolean;
    /** A traffic light: good, warn, bad or none, shown with a sign and the text. */
    light?: (row: number) => string;
    hidden?: boolean;
}

export interface Selection { has: (row: number) => boolean; toggle: (row: number) => void; version: number }

const theme = themeQuartz.withParams({
    backgroundColor: "var(--surface)", foregroundColor: "var(--text)", borderColor: "var(--line)", accentColor: "var(--accent)",
    headerBackgroundColor: "var(--raised)", headerTextColor: "var(--muted)", headerFontWeight: 600, oddRowBackgroundColor: "var(--surface)",
    rowHoverColor: "var(--hover)", fontFamily: "inherit", fontSize: 13, headerFontSize: 12, wrapperBorderRadius: 8, rowHeight: 34, headerHeight: 36,
    spacing: 6, browserColorScheme: "inherit",
});

const LIGHT_SIGNS: Record<string, string> = { good: "✓", warn: "!", bad: "✕", none: "–" };

function svg(shape: string, verdict: string): SVGElement {
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("viewBox", "0 0 16 16");
    icon.setAttribute("class", `icon v-${verdict}`);
    icon.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", shape);
    icon.append(path);
    return icon;
}

function cell(column: Column, row: number): HTMLElement {
    const text = column.text(row);
    const outer = document.createElement(column.link ? "a" : "span");
    outer.className = column.right ? "cell right" : "cell";
    outer.title = text;
    if (column.link) (outer as HTMLAnchorElement).href = column.link(row);
    if (column.verdict) {
        outer.className += ` tag v-${text}`;
        outer.append(svg(verdictShape(text), text));
    }
    if (column.light) {
        const light = column.light(row);
        const sign = document.createElement("span");
        sign.className = `light l-${light}`;
        sign.textContent = LIGHT_SIGNS[light];
        sign.setAttribute("aria-hidden", "true");
        outer.append(sign);
    }
    outer.append(words(text, column.wide ?? false));
    return outer;
}

/** Text in its own direction. Of a path that is too long the folders are cut, to a third at most, before the name is: the ends tell paths apart. */
function words(text: string, path: boolean): HTMLElement {
    const words = document.createElement("bdi");
    words.dir = "auto";
    const folders = path ? text.lastIndexOf("/") + 1 : 0;
    if (folders === 0) {
        words.textContent = text;
        return words;
    }
    words.className = "path";
    const [before, name] = [text.slice(0, folders), text.slice(folders)].map((part) => {
        const span = document.createElement("span");
        span.textContent = part;
        return span;
    });
    name.className = "last";
    name.style.maxWidth = `calc(100% - min(33%, ${Math.round(folders * 0.6)}ch))`;
    words.append(before, name);
    return words;
}

export function Grid({ columns, order, sort, onSort, label, selection, hidden }: {
    columns: Column[]; order: ArrayLike<number>; sort: string; onSort: (sort: string) => void; label: string;
    selection?: Selection; hidden?: Set<string>;
}) {
    const place = useRef<HTMLDivElement>(null);
    const api = useRef<GridApi | null>(null);
    const now = useRef({ order, selection, onSort });
    now.current = { order, selection, onSort };

    const source = (): IDatasource => ({
        rowCount: now.current.order.length,
        getRows: ({ startRow, endRow, successCallback }) => {
            const all = now.current.order;
            const rows = [];
            for (let at = startRow; at < Math.min(endRow, all.length); at++) rows.push({ row: all[at] });
            successCallback(rows, all.length);
        },
    });

    useEffect(() => {
        const definitions: ColDef[] = columns.map((column) => ({
            colId: column.id, headerName: column.title, hide: hidden?.has(column.id) ?? false,
            width: column.width ?? 120, minWidth: 60, flex: column.wide ? 1 : undefined, ...(column.wide ? { minWidth: 260 } : {}),
            headerClass: column.right ? "ag-right-aligned-header" : undefined,
            initialSort: sort.replace(/^-/, "") === column.id ? (sort.startsWith("-") ? "desc" : "asc") : undefined,
            valueGetter: ({ data }) => (data ? column.text(data.row) : ""),
            cellRenderer: ({ data }: ICellRendererParams) => (data ? cell(column, data.row) : ""),
        }));
        if (selection) {
            definitions.unshift({
                colId: "select", headerName: "", width: 44, minWidth: 44, maxWidth: 44, sortable: false, resizable: false, lockPosition: true,
                cellRenderer: ({ data }: ICellRendererParams) => {
                    if (!data) return "";
                    const box = document.createElement("input");
                    box.type = "checkbox";
                    box.className = "select-row";
                    box.tabIndex = -1;
                    box.checked = now.current.selection!.has(data.row);
                    box.setAttribute("aria-label", `select ${columns.find((column) => column.link)?.text(data.row) ?? ""}`);
                    box.addEventListener("change", () => now.current.selection!.toggle(data.row));
                    return box;
                },
            });
        }
        api.current = createGrid(place.current!, {
            theme, styleNonce: "derelict", columnDefs: definitions, rowModelType: "infinite", datasource: source(), cacheBlockSize: 200,
            maxBlocksInCache: 40, infiniteInitialRowCount: Math.max(1, Math.min(order.length, 200)), ensureDomOrder: true, animateRows: false,
            enableCellTextSelection: true, suppressColumnMoveAnimation: true, suppressDragLeaveHidesColumns: true, sortingOrder: ["asc", "desc"],
            defaultColDef: { sortable: true, resizable: true, comparator: () => 0 },
            overlayNoRowsTemplate: "<span>Nothing fits these filters.</span>",
            onSortChanged: ({ api }) => {
                const sorted = api.getColumnState().find((state) => state.sort);
                now.current.onSort(sorted ? (sorted.sort === "desc" ? "-" : "") + sorted.colId : "");
            },
            onCellKeyDown: ({ event, data, api }) => {
                const key = (event as KeyboardEvent | null)?.key;
                if (!data) return;
                if (key === " " && now.current.selection) {
                    event!.preventDefault();
                    now.current.selection.toggle(data.row);
                    api.refreshCells({ columns: ["select"], force: true });
                }
                const link = columns.find((column) => column.link)?.link;
                if (key === "Enter" && link) location.hash = link(data.row);
            },
            onCellDoubleClicked: ({ data }) => {
                const link = columns.find((column) => column.link)?.link;
                if (data && link) location.hash = link(data.row);
            },
        });
        place.current!.querySelector("[role=grid], [role=treegrid]")?.setAttribute("aria-label", label);
        return () => api.current?.destroy();
    }, [columns]);

    const first = useRef(true);
    useEffect(() => {
        if (first.current) first.current = false;
        else api.current?.setGridOption("datasource", source());
    }, [order]);

    useEffect(() => {
        if (selection) api.current?.refreshCells({ columns: ["select"], force: true });
    }, [selection?.version]);

    const hiddenKey = [...(hidden ?? [])].join(" ");
    useEffect(() => {
        if (hidden) api.current?.applyColumnState({ state: columns.map((column) => ({ colId: column.id, hide: hidden.has(column.id) })) });
    }, [hiddenKey]);

    return <div class="grid"><div class="grid-inside" ref={place} /></div>;
}

/** The rows in the order that `sort` names: a column, with `-` in front from the largest. */
export function sorted(rows: Int32Array, columns: Column[], sort: string): Int32Array {
    const column = columns.find((column) => column.id === sort.replace(/^-/, ""));
    if (!column) return rows;
    const value = column.value ?? ((row: number) => column.text(row).toLowerCase());
    const keys = new Map<number, string | number>();
    for (const row of rows) keys.set(row, value(row));
    const sign = sort.startsWith("-") ? -1 : 1;
    return rows.slice().sort((a, b) => {
        const x = keys.get(a)!;
        const y = keys.get(b)!;
        // What is not known comes last, whichever way.
        const xNone = x === "" || Number.isNaN(x);
        const yNone = y === "" || Number.isNaN(y);
        if (xNone || yNone) return xNone === yNone ? a - b : xNone ? 1 : -1;
        return x < y ? -sign : x > y ? sign : a - b;
    });
}
