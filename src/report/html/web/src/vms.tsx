/** The VMs: what is wrong with them, and whether they are fit to be moved. */
import { useMemo, useState } from "preact/hooks";
import { Chain, chainOfVm } from "./chain";
import { files, once, vms, type Vm } from "./data";
import { Fact, FileTable, Title } from "./detail";
import { bytes, count, number } from "./format";
import { Grid, sorted, type Column } from "./grid";
import { GOOD, LIGHTS, lightsOf, rank } from "./lights";
import { Card, Empty, Name, Signature } from "./parts";
import { href, replaceQuery, setOrDelete, useAddress } from "./state";
import { PLATFORM_TEXT } from "./words";

const allocated = once(() => vms().map((vm) => vm.artifacts.reduce((sum, row) => sum + files.bytes(row), 0)));
const has = (vm: Vm, ...codes: string[]) => vm.problems?.some((problem) => codes.includes(problem.code)) ?? false;

/** A note says what a migration meets; it is nothing wrong. */
const isTroubled = (vm: Vm) => vm.problems?.some((problem) => problem.severity !== "info") ?? false;

const NAME: Column = { id: "name", title: "VM", text: (place) => vms()[place].name, link: (place) => href(`vm/${place}`), wide: true };
const PLATFORM: Column = { id: "platform", title: "Platform", text: (place) => PLATFORM_TEXT[vms()[place].platform], width: 90 };

const COLUMNS: Column[] = [
    { id: "standing", title: "State", text: standing, verdict: false, light: (place) => STANDING_LIGHT[standing(place)], width: 130 },
    NAME, PLATFORM,
    { id: "state", title: "Power", text: (place) => vms()[place].state ?? "", width: 110 },
    { id: "host", title: "Last host", text: (place) => vms()[place].host ?? "", width: 160 },
    { id: "files", title: "Files", text: (place) => number(vms()[place].artifacts.length), value: (place) => vms()[place].artifacts.length, right: true, width: 70 },
    { id: "bytes", title: "Allocated", text: (place) => bytes(allocated()[place]), value: (place) => allocated()[place], right: true, width: 105 },
    { id: "missing", title: "Missing", text: (place) => number(vms()[place].missing?.length ?? 0), value: (place) => vms()[place].missing?.length ?? 0, right: true, width: 85 },
    { id: "problems", title: "Problems", text: (place) => [...new Set(vms()[place].problems?.map((problem) => problem.code))].join(", "), width: 220 },
    { id: "inventories", title: "Inventories", text: (place) => (vms()[place].inventories ?? []).join(", "), width: 150 },
    { id: "folder", title: "Folder", text: (place) => vms()[place].folder ?? "", width: 150 },
    { id: "noted-owner", title: "Noted owner", text: (place) => vms()[place].noted_owner ?? "", width: 150 },
    { id: "notes", title: "Notes", text: (place) => vms()[place].notes ?? "", width: 200 },
];

const STANDING_LIGHT: Record<string, string> = { ghost: "bad", "files missing": "bad", problems: "warn", unregistered: "warn", registered: "good" };
const STANDING_VERDICT: Record<string, string> = { ghost: "orphaned", "files missing": "unregistered", unregistered: "unregistered" };
const STANDING_TEXT: Record<string, string> = {
    ghost: "an inventory registers it, and its configuration is not there", "files missing": "files that it names are not there",
    problems: "something about it needs a look", registered: "an inventory registers it", unregistered: "no inventory registers it",
};
function standing(place: number): string {
    const vm = vms()[place];
    if (has(vm, "ghost")) return "ghost";
    if (vm.missing?.length) return "files missing";
    if (isTroubled(vm)) return "problems";
    return vm.registered ? "registered" : "unregistered";
}

const lights = once(() => vms().map(lightsOf));
const worst = once(() => lights().map((row) => row.reduce((worst, light) => (rank(light) < rank(worst) ? light : worst), GOOD)));
const OVERALL = { good: "ready", warn: "look first", bad: "not ready", none: "" };

const MIGRATION: Column[] = [
    { id: "overall", title: "Overall", text: (place) => OVERALL[worst()[place].colour], light: (place) => worst()[place].colour, value: (place) => rank(worst()[place]), width: 110 },
    NAME, PLATFORM,
    ...LIGHTS.map(({ id, title }, column): Column => ({
        id, title, text: (place) => lights()[place][column].text, light: (place) => lights()[place][column].colour,
        value: (place) => rank(lights()[place][column]), width: 140,
    })),
    { id: "bytes", title: "Allocated", text: (place) => bytes(allocated()[place]), value: (place) => allocated()[place], right: true, width: 100 },
];

function VmGrid({ columns, title, first, hint, only, onlyText }: {
    columns: Column[]; title: string; first: string; hint: string; only: (place: number) => boolean; onlyText: string;
}) {
    const { query } = useAddress();
    const search = (query.get("q") ?? "").toLowerCase();
    const some = query.get("only") === "1";
    const sort = query.get("sort") ?? first;
    const found = useMemo(() => Int32Array.from(vms().keys()).filter((place) => {
        const vm = vms()[place];
        return (!some || only(place)) && (!search || `${vm.name}\n${vm.id}\n${vm.host ?? ""}\n${vm.folder ?? ""}\n${vm.noted_owner ?? ""}\n${vm.notes ?? ""}\n${vm.config ?? ""}`.toLowerCase().includes(search));
    }), [search, some]);
    const order = useMemo(() => sorted(found, columns, sort), [found, sort]);
    const [text, setText] = useState(query.get("q") ?? "");
    return (
        <main class="list" id="main">
            <h1 class="hidden">{title}</h1>
            <div class="bar no-print" role="search">
                <input type="search" class="search" placeholder="Search names, hosts, owners, notes" aria-label="Search" value={text}
                    onInput={(event) => { const value = event.currentTarget.value; setText(value); replaceQuery((query) => setOrDelete(query, "q", [value])); }} />
                <label class="check"><input type="checkbox" checked={some} onChange={(event) => { const on = event.currentTarget.checked; replaceQuery((query) => setOrDelete(query, "only", [on ? "1" : ""])); }} />{onlyText}</label>
                <p class="found" role="status"><b>{count(found.length, "VM")}</b></p>
                <span class="gap" /><p class="muted">{hint}</p>
            </div>
            <Grid columns={columns} order={order} sort={sort} label={title} onSort={(sort) => replaceQuery((query) => setOrDelete(query, "sort", [sort]))} />
            <div class="print-only">
                <table class="plain">
                    <thead><tr>{columns.map((column) => <th key={column.id}>{column.title}</th>)}</tr></thead>
                    <tbody>{[...order.slice(0, 400)].map((place) => <tr key={place}>{columns.map((column) => <td key={column.id} class={column.right ? "right" : column.wide ? "grow" : column.light || column === PLATFORM ? "word" : ""}>{column.light && <span class={`light l-${column.light(place)}`} aria-hidden="true" />} <bdi dir="auto">{column.text(place)}</bdi></td>)}</tr>)}</tbody>
                </table>
                <Signature />
            </div>
        </main>
    );
}

export function Vms() {
    return <VmGrid columns={COLUMNS} title="VMs" first="name" hint="A ghost is registered, and its files are not there." onlyText="Only ghosts and problems"
        only={(place) => Boolean(isTroubled(vms()[place]) || vms()[place].missing?.length)} />;
}

export function Migration() {
    return <VmGrid columns={MIGRATION} title="Before a migration" first="overall" hint="What stands in the way of moving a VM, as its files tell it." onlyText="Only what is not ready"
        only={(place) => worst()[place].colour !== "good"} />;
}

export function VmView({ place }: { place: number }) {
    const vm = vms()[place];
    const missing = vm.missing ?? [];
    return (
        <main id="main" class="page">
            <Title verdict={STANDING_VERDICT[standing(place)] ?? "owned"} label={standing(place)} text={STANDING_TEXT[standing(place)]} name={vm.name} place={`${PLATFORM_TEXT[vm.platform]} VM, ${count(vm.artifacts.length, "file")}, ${bytes(allocated()[place])}`} />
            <div class="columns wide-left">
                <div>
                    <Card title="Problems" id="problems">
                        {!vm.problems?.length ? <Empty>None was found.</Empty> : (
                            <ol class="reasons">{vm.problems.map((problem, number) => <li key={number} class="against"><Name>{problem.text}</Name> <code>{problem.code}</code></li>)}</ol>
                        )}
                    </Card>
                    {missing.length > 0 && (
                        <Card title="Files that should be there" id="missing">
                            <ul class="references">{missing.map((file, number) => <li key={number}><span class="role">{file.role}</span> <Name class="mono">{file.path}</Name></li>)}</ul>
                        </Card>
                    )}
                    <Card title="Before a migration" id="lights">
                        <ul class="lights">{LIGHTS.map(({ id, title }, column) => <li key={id}><span class={`light l-${lights()[place][column].colour}`} aria-hidden="true" />{title}: <b>{lights()[place][column].text}</b></li>)}</ul>
                    </Card>
                </div>
                <Card title="VM" id="vm">
                    <dl class="facts">
                        <Fact name="Registered">{vm.registered ? `by ${(vm.inventories ?? []).join(", ")}` : "no"}</Fact>
                        {vm.host && <Fact name="Last host"><Name>{vm.host}</Name></Fact>}
                        {vm.state && <Fact name="State"><Name>{vm.state}</Name></Fact>}
                        {vm.config && <Fact name="Configuration"><Name class="mono">{vm.config}</Name></Fact>}
                        <Fact name="Id"><span class="mono break">{vm.id}</span></Fact>
                        {vm.folder && <Fact name="Folder"><Name>{vm.folder}</Name></Fact>}
                        {vm.noted_owner && <Fact name="Noted owner"><Name>{vm.noted_owner}</Name></Fact>}
                        {vm.notes && <Fact name="Notes"><Name>{vm.notes}</Name></Fact>}
                    </dl>
                </Card>
            </div>
            <Card title="Files" id="files">{vm.artifacts.length ? <FileTable rows={vm.artifacts} /> : <Empty>None of its files was found.</Empty>}</Card>
            <Card title="Chain of references" id="chain"><Chain drawing={chainOfVm(place)} label={`References of ${vm.name}`} /></Card>
            <Signature />
        </main>
    );
}
