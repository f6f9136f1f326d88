/** Which files and groups a list shows. */
import { asOf, files, filesOfGroup, groups } from "./data";

export interface Filter {
    search: string; verdict: string[]; class: string[]; confidence: string[]; reclaim: string[]; datastore: string[]; platform: string[];
    kind: string[]; owner: string; minBytes: number; minDays: number;
    /** Of what is nobody's: `none` is protected by no backup of the given lists, `some` may be. */
    backup: string;
    /** `no` leaves out what somebody has accepted, `yes` leaves nothing else. */
    accepted: string;
}

export const FACETS = ["verdict", "class", "confidence", "reclaim", "datastore", "platform", "kind"] as const;
export type Facet = (typeof FACETS)[number];

export function filterOf(query: URLSearchParams): Filter {
    const facets = Object.fromEntries(FACETS.map((name) => [name, query.getAll(name)])) as Record<Facet, string[]>;
    return {
        ...facets, search: query.get("q") ?? "", owner: query.get("owner") ?? "",
        minBytes: Number(query.get("size") ?? 0), minDays: Number(query.get("age") ?? 0),
        backup: query.get("backup") ?? "", accepted: query.get("accepted") ?? "",
    };
}

let texts: string[] | undefined;

let owners: string[] | undefined;

/** Of each file whom it belongs to, who answers for its VM, and the last known owner of its group, in lower case. */
function ownerTexts(): string[] {
    if (!owners) {
        const known = new Map<object, Map<number, string>>();
        owners = new Array<string>(files.length);
        for (let row = 0; row < files.length; row++) {
            const [list, group] = [files.owners(row), files.group[row]];
            let byGroup = known.get(list);
            if (!byGroup) known.set(list, (byGroup = new Map()));
            let text = byGroup.get(group);
            if (text === undefined) {
                const names = list.flatMap((owner) => [owner.name, owner.id, owner.noted]);
                byGroup.set(group, (text = [...names, group < 0 ? "" : groups[group].owner].join("\n").toLowerCase()));
            }
            owners[row] = text;
        }
    }
    return owners;
}

/** What a search looks through: place, class, kind and owners of each file, in lower case. */
function haystack(): string[] {
    if (!texts) {
        const owners = ownerTexts();
        texts = new Array<string>(files.length);
        for (let row = 0; row < files.length; row++) {
            texts[row] = `${files.place(row)}\n${files.class.at(row)}\n${files.kind.at(row)}\n`.toLowerCase() + owners[row];
        }
    }
    return texts;
}

/** Builds what searches need while nobody waits. */
export function prepare(): void {
    haystack();
}

/** For each word of a column whether it is wanted; nothing chosen wants all. */
function wanted(words: string[], chosen: string[]): Uint8Array | null {
    return chosen.length ? Uint8Array.from(words, (word) => (chosen.includes(word) ? 1 : 0)) : null;
}

/** Whether a group is protected as the filter wants it; files of no group are somebody's, and no list of backups is asked about them. */
function backedUp(place: number, wanted: string): boolean {
    if (!wanted) return true;
    if (place < 0) return false;
    return wanted === "none" ? groups[place].unprotected === true : groups[place].backups !== undefined && !groups[place].unprotected;
}

export function matchingFiles(filter: Filter): Int32Array {
    const columns = ([
        ["verdict", files.verdict], ["class", files.class], ["confidence", files.confidence], ["reclaim", files.reclaim],
        ["datastore", files.datastore], ["platform", files.platform], ["kind", files.kind],
    ] as const).flatMap(([name, column]) => {
        const words = wanted(column.words, filter[name]);
        return words ? [{ index: column.index, words }] : [];
    });
    const terms = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
    const owner = filter.owner.toLowerCase();
    const texts = terms.length ? haystack() : [];
    const ownedBy = owner ? ownerTexts() : [];
    const before = filter.minDays ? asOf - filter.minDays * 86400 : NaN;
    const found = new Int32Array(files.length);
    let length = 0;
    each: for (let row = 0; row < files.length; row++) {
        for (const { index, words } of columns) if (!words[index[row]]) continue each;
        if (filter.minBytes && files.bytes(row) < filter.minBytes) continue;
        if (filter.minDays && !(files.modified[row] <= before)) continue;
        if (!backedUp(files.group[row], filter.backup)) continue;
        if (filter.accepted && (filter.accepted === "yes") !== (files.accepted.at(row) !== "")) continue;
        for (const term of terms) if (!texts[row].includes(term)) continue each;
        if (owner && !ownedBy[row].includes(owner)) continue;
        found[length++] = row;
    }
    return found.subarray(0, length);
}

/** The groups of which a file matches; size and age are those of the group. */
export function matchingGroups(filter: Filter): Int32Array {
    const hit = new Uint8Array(groups.length);
    for (const row of matchingFiles({ ...filter, minBytes: 0, minDays: 0 })) if (files.group[row] >= 0) hit[files.group[row]] = 1;
    const found: number[] = [];
    const before = asOf - filter.minDays * 86400;
    for (let place = 0; place < groups.length; place++) {
        const group = groups[place];
        if (!hit[place] || group.allocated_bytes < filter.minBytes) continue;
        if (filter.minDays && !(group.modified !== null && group.modified <= before)) continue;
        if (filter.verdict.length && !filter.verdict.includes(group.verdict)) continue;
        found.push(place);
    }
    return Int32Array.from(found);
}

/** The words of a facet with the number of files, most first; empty words are left out. */
export function options(facet: Facet): { value: string; files: number }[] {
    const counts = new Map<string, number>();
    const { words, index } = files[facet];
    const sums = new Uint32Array(words.length);
    for (const place of index) sums[place] += 1;
    words.forEach((word, place) => counts.set(word, sums[place]));
    counts.delete("");
    return [...counts].map(([value, files]) => ({ value, files })).sort((a, b) => b.files - a.files || (a.value < b.value ? -1 : 1));
}

export function datastoresOfGroup(place: number): string {
    return [...new Set(filesOfGroup[place].map((row) => files.datastore.at(row)))].join(", ");
}
