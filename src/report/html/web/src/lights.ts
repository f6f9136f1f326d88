/** The traffic lights of a VM before a migration: where each problem shows, and what the files tell beside the problems. */
import { files, type Vm } from "./data";
import { count } from "./format";

type Colour = "good" | "warn" | "bad" | "none";
/** One traffic light: its colour and its words. `none` is worth knowing and stands in no way. */
export interface Light { colour: Colour; text: string }

const RANK: Record<Colour, number> = { bad: 0, warn: 1, good: 2, none: 3 };
export const rank = (light: Light) => RANK[light.colour];
export const GOOD: Light = { colour: "good", text: "ok" };

export const LIGHTS = [
    { id: "registration", title: "Registration" }, { id: "config", title: "Configuration" }, { id: "disks", title: "Disks" },
    { id: "chain", title: "Chain" }, { id: "snapshots", title: "Snapshots" }, { id: "devices", title: "Devices" },
    { id: "encryption", title: "Encryption" }, { id: "memory", title: "Memory" }, { id: "placement", title: "Placement" },
    { id: "identity", title: "Identity" }, { id: "other", title: "Other files" }, { id: "knowledge", title: "Knowledge" },
] as const;
type Id = (typeof LIGHTS)[number]["id"];

/** On which light a problem shows, and how. A problem that is an error is `bad` whatever stands here; as a note it is `info`, where that is given. */
interface Place extends Light { on: Id; info?: Light }

/** Every problem code of `src/report/codes.rs`, which a test compares with this list. */
export const PLACES: Record<string, Place> = {
    "ghost": { on: "config", colour: "bad", text: "missing" },
    "config-unreadable": { on: "config", colour: "bad", text: "unreadable" },
    "config-moved": { on: "config", colour: "warn", text: "at another place" },
    "old-config-version": { on: "config", colour: "warn", text: "old version" },
    "missing-disk": { on: "disks", colour: "bad", text: "missing" },
    "dangling-descriptor": { on: "disks", colour: "bad", text: "without data" },
    "headless-extent": { on: "disks", colour: "bad", text: "without descriptor" },
    "extent-size-mismatch": { on: "disks", colour: "bad", text: "wrong size" },
    "incomplete-disk": { on: "disks", colour: "bad", text: "not finished" },
    "double-owner": { on: "disks", colour: "warn", text: "of two VMs" },
    "dirty-log": { on: "disks", colour: "warn", text: "open log" },
    "many-disks": { on: "disks", colour: "warn", text: "very many" },
    "vhd-format": { on: "disks", colour: "warn", text: "VHD format" },
    "unclaimed-volume": { on: "disks", colour: "none", text: "volume of nobody" },
    "broken-chain": { on: "chain", colour: "bad", text: "broken" },
    "parent-mismatch": { on: "chain", colour: "bad", text: "parent mismatch" },
    "chain-cycle": { on: "chain", colour: "bad", text: "in a circle" },
    "chain-size-mismatch": { on: "chain", colour: "warn", text: "sizes differ" },
    "unused-parent": { on: "chain", colour: "none", text: "unused parent" },
    "unmerged-checkpoint": { on: "snapshots", colour: "warn", text: "unmerged" },
    "needs-consolidation": { on: "snapshots", colour: "warn", text: "to consolidate" },
    "snapshot-mismatch": { on: "snapshots", colour: "warn", text: "list differs" },
    "deep-chain": { on: "snapshots", colour: "warn", text: "deep chain" },
    "old-snapshot": { on: "snapshots", colour: "warn", text: "old" },
    "raw-device-map": { on: "devices", colour: "warn", text: "raw device map" },
    "pass-through-disk": { on: "devices", colour: "warn", text: "pass-through disk" },
    "shared-disk": { on: "devices", colour: "warn", text: "shared" },
    "independent-disk": { on: "devices", colour: "warn", text: "independent" },
    "mounted-iso": { on: "devices", colour: "warn", text: "media" },
    "encrypted": { on: "encryption", colour: "warn", text: "encrypted" },
    "saved-state": { on: "memory", colour: "warn", text: "saved" },
    "several-datastores": { on: "placement", colour: "warn", text: "several datastores" },
    "duplicate-identity": { on: "identity", colour: "warn", text: "twice", info: { colour: "none", text: "copied disk" } },
    "former-replica": { on: "identity", colour: "none", text: "former replica" },
    "suspicious-rename": { on: "other", colour: "bad", text: "renamed" },
    "service-ghost": { on: "other", colour: "bad", text: "service object gone" },
    "malformed-artifact": { on: "other", colour: "warn", text: "malformed" },
    "missing-file": { on: "other", colour: "warn", text: "missing" },
    "listed-size-differs": { on: "other", colour: "warn", text: "size differs" },
    "listed-file-gone": { on: "other", colour: "none", text: "listed file gone" },
};

/** What the files of a VM tell. `instead` names the problems that say the same with fewer words. */
interface Told extends Light { on: Id; instead?: string[] }

const lacks = (vm: Vm, ...roles: string[]) => vm.missing?.filter((missing) => roles.includes(missing.role)).length ?? 0;
const ofKind = (vm: Vm, kinds: RegExp) => vm.artifacts.filter((row) => kinds.test(files.kind.at(row))).length;

function told(vm: Vm): Told[] {
    const told: Told[] = [];
    const add = (number: number, on: Id, colour: Colour, text: string, ...instead: string[]) => {
        if (number > 0) told.push({ on, colour, text, instead });
    };
    const disks = lacks(vm, "disk", "extent");
    const links = ofKind(vm, /^(vmdk-delta|vmdk-sesparse|avhdx?)$/);
    const maps = ofKind(vm, /^vmdk-rdm$/);
    const media = ofKind(vm, /^(iso|floppy)$/);
    const unknown = vm.artifacts.filter((row) => files.verdict.at(row) === "unknown").length;
    add(vm.registered ? 0 : 1, "registration", "warn", "not registered");
    add(lacks(vm, "config"), "config", "bad", "missing");
    add(disks, "disks", "bad", `${disks} missing`, "missing-disk");
    add(lacks(vm, "parent"), "chain", "bad", "broken");
    add(links, "snapshots", "warn", count(links, "link"));
    add(maps, "devices", "warn", count(maps, "raw device map"), "raw-device-map");
    add(media, "devices", "warn", `${media} media`, "mounted-iso");
    add(unknown, "knowledge", "warn", `${unknown} unknown`);
    return told;
}

function placed({ code, severity }: { code: string; severity: string }): Told {
    const place = PLACES[code];
    if (severity === "error") return { ...place, colour: "bad" };
    return severity === "info" && place.info ? { on: place.on, ...place.info } : place;
}

/** The lights of a VM in the order of `LIGHTS`: each has the worst colour of what shows on it, and says each thing once, the worst first. */
export function lightsOf(vm: Vm): Light[] {
    const fromFiles = told(vm);
    const problems = (vm.problems ?? []).filter(({ code }) => !fromFiles.some((told) => told.instead?.includes(code)));
    const [counted, beside] = [fromFiles.filter((told) => told.instead?.length), fromFiles.filter((told) => !told.instead?.length)];
    const all = [...counted, ...problems.map(placed), ...beside].sort((one, other) => rank(one) - rank(other));
    return LIGHTS.map(({ id }) => {
        const here = all.filter((light) => light.on === id);
        if (here.length === 0) return GOOD;
        return { colour: here[0].colour, text: [...new Set(here.map((light) => light.text))].join(", ") };
    });
}
