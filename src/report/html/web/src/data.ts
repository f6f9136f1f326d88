/** The data of the report, as the writer put them into the page (src/report/html in the sources of derelict). */
import { inflateSync, strFromU8 } from "fflate";

export interface Sum { files: number; apparent_bytes: number; allocated_bytes: number; reclaimable_bytes: number; review_bytes: number }
export interface Root {
    path: string; datastore: string; aliases?: string[]; identity: string; identity_basis: string; covered: string;
    directories: number; files: number; artifacts: number; apparent_bytes: number; allocated_bytes?: number;
    capacity_bytes?: number; free_bytes?: number; skipped?: { path: string; why: string }[]; empty_folders?: string[];
}
export interface Gap { code: string; text: string; datastores?: string[]; caps: boolean; files: number; allocated_bytes: number }
export interface Inventory {
    source: string; kind: string; kinds?: string[]; files?: string[]; collected?: string; vms: number;
    scope?: { datastores?: string[]; hosts?: string[] }; warnings?: string[];
}
export interface Reason { code: string; text: string; source?: string; weight: "for" | "against"; settles?: string }
export interface Problem { severity: "error" | "warning" | "info"; code: string; subject: string; text: string; reasons?: Reason[]; next_step: string }
export interface Head {
    generated: string; as_of: string; version: string; result: string; certainty: string;
    summary: {
        verdicts: Record<string, Sum>; classes?: Record<string, Sum>; datastores?: Record<string, Record<string, Sum>>;
        reclaimable_bytes: number; review_bytes: number; accepted: Sum; filter?: string;
    };
    coverage: {
        complete: boolean; assume_complete: boolean; roots?: Root[]; issues?: { path: string; stage: string; error: string }[];
        inventories?: Inventory[]; gap_details?: Gap[];
    };
    problems: Problem[]; accepted: string[]; backups: string[]; agreements: string; differing: string[]; artifacts: number; vms: number; ghosts: number; chunk: number; chunks: number; facts_left_out: boolean;
}
export interface Group {
    title: string; verdict: string; class: string; owner: string; files: number; allocated_bytes: number; modified: number | null;
    reclaim: string; confidence: string;
    /** The file or the inventory row that tells the owner. */
    owner_source?: string;
    /** The backups that it may have, or that there is none; where a list of backups was given, and only for what is nobody's. */
    backups?: string[]; unprotected?: boolean;
    /** Somebody has accepted all of it. */
    accepted?: boolean;
}
export interface Vm {
    id: string; name: string; platform: string; registered: boolean; inventories?: string[]; host?: string; state?: string;
    folder?: string; noted_owner?: string; notes?: string; config?: string; artifacts: number[]; missing?: { path: string; role: string }[];
    problems?: { code: string; severity: string; text: string }[];
}
/** A file of the list by its place, another one by its path, or `outside` or `missing`. */
export type Place = number | string | { path: string };
export interface Detail {
    referenced_by: { path: Place; role: string }[]; references: { path: string; role: string; resolved: Place }[];
    reasons: Reason[]; facts?: unknown; blake3?: string;
}
/** `noted` is who answers for a VM, as somebody noted. */
export interface Owner { type: string; id: string; name: string; noted: string }

interface Words { words: string[]; index: number[] }
interface Columns {
    root: Words; datastore: Words; folder: Words; name: string[]; kind: Words; kind_basis: Words; verdict: Words; class: Words;
    confidence: Words; reclaim: Words; risk: Words; accepted: Words; platform: Words; owners: Words; group: (number | null)[]; apparent_bytes: number[];
    allocated_bytes: (number | null)[]; virtual_bytes: (number | null)[]; modified: (number | null)[];
}

function element(id: string): string {
    return document.getElementById(id)?.textContent ?? "";
}

function unpacked<T>(id: string): T {
    return JSON.parse(strFromU8(inflateSync(fromBase64(element(id)))));
}

function fromBase64(text: string): Uint8Array {
    const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array }).fromBase64;
    if (native) return native(text);
    const binary = atob(text);
    const raw = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) raw[at] = binary.charCodeAt(at);
    return raw;
}

/** A column of words: quick to compare by number. */
export class WordColumn {
    readonly words: string[];
    readonly index: Uint32Array;
    constructor(column: Words) {
        this.words = column.words;
        this.index = Uint32Array.from(column.index);
    }
    at(row: number): string {
        return this.words[this.index[row]];
    }
}

const numbers = (column: (number | null)[]) => Float64Array.from(column, (value) => value ?? NaN);

/** The artifacts, in the order of the report, which is that of their paths. */
export class Files {
    readonly length: number;
    readonly root; readonly datastore; readonly folder; readonly kind; readonly kindBasis; readonly verdict; readonly class;
    readonly confidence; readonly reclaim; readonly risk; readonly accepted; readonly platform;
    readonly name: string[];
    readonly group: Int32Array;
    readonly apparent: Float64Array; readonly allocated: Float64Array; readonly virtual: Float64Array; readonly modified: Float64Array;
    private readonly ownerColumn: WordColumn;
    private readonly ownerLists: (Owner[] | undefined)[];
    constructor(columns: Columns) {
        this.length = columns.name.length;
        this.root = new WordColumn(columns.root);
        this.datastore = new WordColumn(columns.datastore);
        this.folder = new WordColumn(columns.folder);
        this.name = columns.name;
        this.kind = new WordColumn(columns.kind);
        this.kindBasis = new WordColumn(columns.kind_basis);
        this.verdict = new WordColumn(columns.verdict);
        this.class = new WordColumn(columns.class);
        this.confidence = new WordColumn(columns.confidence);
        this.reclaim = new WordColumn(columns.reclaim);
        this.risk = new WordColumn(columns.risk);
        this.accepted = new WordColumn(columns.accepted);
        this.platform = new WordColumn(columns.platform);
        this.ownerColumn = new WordColumn(columns.owners);
        this.ownerLists = new Array(this.ownerColumn.words.length);
        this.group = Int32Array.from(columns.group, (value) => value ?? -1);
        this.apparent = numbers(columns.apparent_bytes);
        this.allocated = numbers(columns.allocated_bytes);
        this.virtual = numbers(columns.virtual_bytes);
        this.modified = numbers(columns.modified);
    }
    owners(row: number): Owner[] {
        const place = this.ownerColumn.index[row];
        return (this.ownerLists[place] ??= (JSON.parse(this.ownerColumn.words[place]) as [string, string, string, string | null][])
            .map(([type, id, name, noted]) => ({ type, id, name, noted: noted ?? "" })));
    }
    /** Blocks × 512; where the file system does not know them the length stands in. */
    bytes(row: number): number {
        const allocated = this.allocated[row];
        return Number.isNaN(allocated) ? this.apparent[row] : allocated;
    }
    relative(row: number): string {
        const folder = this.folder.at(row);
        return folder ? `${folder}/${this.name[row]}` : this.name[row];
    }
    path(row: number): string {
        return `${this.root.at(row).replace(/\/$/, "")}/${this.relative(row)}`;
    }
    place(row: number): string {
        return `[${this.datastore.at(row)}] ${this.relative(row)}`;
    }
}

export const head: Head = JSON.parse(element("head"));
const table = unpacked<{ artifacts: Columns; groups: Group[] }>("table");
export const groups = table.groups;
export const files = new Files(table.artifacts);
/** Seconds since 1970 as of which ages are judged. */
export const asOf = Date.parse(head.as_of) / 1000;

/** A value that is made when it is first asked for. */
export function once<T>(make: () => T): () => T {
    let made: { value: T } | undefined;
    return () => (made ??= { value: make() }).value;
}

/** The VMs stand behind the program: a view that needs them waits until the whole file is read. */
export const vms = once(() => unpacked<Vm[]>("vms"));
const vmById = once(() => new Map(vms().map((vm, place) => [vm.id, place])));

export function vmOf(owner: Owner): number | undefined {
    return owner.type === "vm" ? vmById().get(owner.id) : undefined;
}

/** The files of each group; the first is that of the most bytes. */
export const filesOfGroup: number[][] = (() => {
    const all: number[][] = groups.map(() => []);
    for (let row = 0; row < files.length; row++) if (files.group[row] >= 0) all[files.group[row]].push(row);
    for (const rows of all) if (rows.length > 1) rows.sort((a, b) => files.bytes(b) - files.bytes(a));
    return all;
})();

const chunks = new Map<number, Detail[]>();

/** Evidence, references and facts of one file. */
export function detail(row: number): Detail {
    const number = Math.floor(row / head.chunk);
    let chunk = chunks.get(number);
    if (!chunk) {
        chunk = unpacked<Detail[]>(`details-${number}`);
        if (chunks.size > 64) chunks.clear();
        chunks.set(number, chunk);
    }
    return chunk[row % head.chunk];
}
