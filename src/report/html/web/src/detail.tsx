/** Everything about one file, or about one group of files. */
import type { ComponentChildren } from "preact";
import { Chain, chainOfFile, chainOfFiles } from "./chain";
import { asOf, detail, files, filesOfGroup, groups, head, vmOf, vms, type Place, type Reason } from "./data";
import { age, bytes, count, date, number, quoted } from "./format";
import { Card, Empty, Name, Signature, VerdictIcon, VerdictTag } from "./parts";
import { href } from "./state";
import { BASIS_TEXT, PLATFORM_TEXT, RECLAIM_TEXT, VERDICT_TEXT, type Verdict } from "./words";

/** A path that is shown escaped is not the one that a command opens; `explain` knows both. */
const ESCAPED = /\\(x[0-9a-f]{2}|u\{[0-9a-f]+\}|[nrt])/;
/** Files of a group that its view lists; the list has all. */
const LISTED = 300;

export function FileView({ row }: { row: number }) {
    const facts = detail(row);
    const verdict = files.verdict.at(row);
    const group = files.group[row];
    const settles = facts.reasons.filter((reason) => reason.settles);
    return (
        <main id="main" class="page">
            <Title verdict={verdict} name={files.name[row]} place={files.place(row)}>
                <Grades class_={files.class.at(row)} confidence={files.confidence.at(row)} reclaim={files.reclaim.at(row)} risk={files.risk.at(row)} />
            </Title>
            <div class="columns wide-left">
                <div>
                    <Reasons title="For this verdict" id="for" reasons={facts.reasons.filter((reason) => reason.weight === "for")} none="No reason is recorded." />
                    <Reasons title="Against it" id="against" reasons={facts.reasons.filter((reason) => reason.weight === "against")} none="Nothing speaks against it." />
                    <Card title="What would change the verdict" id="change">
                        {settles.length === 0 ? <Empty>Nothing that derelict knows of.</Empty> : <ul class="reasons">{settles.map((reason, place) => <li key={place}><Name>{reason.settles}</Name></li>)}</ul>}
                    </Card>
                </div>
                <div>
                    <Card title="File" id="file">
                        <dl class="facts">
                            <Fact name="Path"><Name class="mono">{files.path(row)}</Name></Fact>
                            <Fact name="Kind">{files.kind.at(row)} <span class="muted">{BASIS_TEXT[files.kindBasis.at(row)]}</span></Fact>
                            <Fact name="Allocated">{bytes(files.allocated[row])}</Fact>
                            <Fact name="Length">{bytes(files.apparent[row])}</Fact>
                            {!Number.isNaN(files.virtual[row]) && <Fact name="Virtual size">{bytes(files.virtual[row])}</Fact>}
                            <Fact name="Written">{date(files.modified[row])} <span class="muted">{age(asOf, files.modified[row])} before this report</span></Fact>
                            {files.platform.at(row) && <Fact name="Platform">{PLATFORM_TEXT[files.platform.at(row)]}</Fact>}
                            <Fact name="Owner"><Owners row={row} /></Fact>
                            {group >= 0 && <Fact name="Group"><a href={href(`group/${group}`)}><Name>{groups[group].title}</Name></a> <span class="muted">{count(groups[group].files, "file")}, {bytes(groups[group].allocated_bytes)}</span></Fact>}
                            {files.accepted.at(row) && <Fact name="Accepted"><Name>{files.accepted.at(row)}</Name></Fact>}
                            {facts.blake3 && <Fact name="BLAKE3"><span class="mono break">{facts.blake3}</span></Fact>}
                        </dl>
                    </Card>
                    <Card title="Look again" id="again">
                        <Command text={`derelict explain REPORT.json ${quoted(files.place(row))}`} />
                        {!ESCAPED.test(files.path(row)) && <Command text={`derelict inspect ${quoted(files.path(row))}`} />}
                    </Card>
                </div>
            </div>
            <Card title="Chain of references" id="chain"><Chain drawing={chainOfFile(row)} label={`References around ${files.name[row]}`} /></Card>
            <References row={row} />
            <Card title="Facts read from its bytes" id="read">
                {facts.facts == null ? (
                    <Empty>{head.facts_left_out ? "The facts of files that belong to somebody are left out for the size of this page; the JSON report has them." : "None: the format holds none, or it was not read."}</Empty>
                ) : <Tree value={facts.facts} />}
            </Card>
            <Signature />
        </main>
    );
}

export function GroupView({ place }: { place: number }) {
    const group = groups[place];
    const rows = filesOfGroup[place];
    const first = rows.find((row) => detail(row).reasons.some((reason) => reason.weight === "for" && reason.code !== "follows-artifact")) ?? rows[0];
    const risk = rows.some((row) => files.risk.at(row)) ? "data-loss" : "";
    return (
        <main id="main" class="page">
            <Title verdict={group.verdict} name={group.title} place={`${count(group.files, "file")}, ${bytes(group.allocated_bytes)}, written ${age(asOf, group.modified ?? NaN)} before this report${group.owner && group.owner !== group.title ? `, last owner ${group.owner}` : ""}`}>
                <Grades class_={group.class} confidence={group.confidence} reclaim={group.reclaim} risk={risk} />
            </Title>
            {first !== undefined && (
                <Reasons title="Why" id="why" reasons={detail(first).reasons} none="No reason is recorded." from={first} />
            )}
            {group.accepted && (
                <Card title="Accepted" id="accepted">
                    <p>{[...new Set(rows.map((row) => files.accepted.at(row)))].map((reason) => <Name key={reason}>{reason}</Name>)} <a href={href("coverage")}>By whom and until when</a></p>
                </Card>
            )}
            {group.owner_source && (
                <Card title="Owner" id="owner">
                    <p><Name>{group.owner}</Name>, as <Name class="mono">{group.owner_source}</Name> tells.</p>
                </Card>
            )}
            {group.backups && (
                <Card title="Backups (no proof of ownership)" id="backups">
                    <ul class="references">{group.backups.map((line, number) => <li key={number}><Name>{line}</Name></li>)}</ul>
                </Card>
            )}
            <Card title="Files" id="files" aside={rows.length < group.files ? <span class="muted">{count(group.files - rows.length, "more file")} that the filter hides</span> : undefined}>
                <FileTable rows={rows} />
            </Card>
            <Card title="Chain of references" id="chain"><Chain drawing={chainOfFiles(rows)} label={`References in ${group.title}`} /></Card>
            <Signature />
        </main>
    );
}

export function FileTable({ rows }: { rows: number[] }) {
    return (
        <div class="scroll">
            <table class="plain">
                <thead><tr><th>Verdict</th><th>File</th><th>Kind</th><th class="right">Allocated</th><th class="right">Length</th><th class="right">Written</th></tr></thead>
                <tbody>
                    {rows.slice(0, LISTED).map((row) => (
                        <tr key={row}>
                            <td><VerdictTag verdict={files.verdict.at(row)} /></td>
                            <td class="grow"><a href={href(`file/${row}`)}><Name>{files.place(row)}</Name></a></td>
                            <td>{files.kind.at(row)}</td>
                            <td class="right">{bytes(files.allocated[row])}</td><td class="right">{bytes(files.apparent[row])}</td>
                            <td class="right">{age(asOf, files.modified[row])}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
            {rows.length > LISTED && <p class="muted">… and {number(rows.length - LISTED)} more; the list of files has all.</p>}
        </div>
    );
}

export function Title({ verdict, name, place, label, text, children }: {
    verdict: string; name: string; place: ComponentChildren; label?: string; text?: string; children?: ComponentChildren;
}) {
    return (
        <header class="title">
            <VerdictIcon verdict={verdict} />
            <div>
                <h1><Name>{name}</Name></h1>
                <p class="place"><Name>{place}</Name></p>
                <p class="verdict"><VerdictTag verdict={verdict} label={label} /> {text ?? VERDICT_TEXT[verdict as Verdict]}</p>
                {children}
            </div>
        </header>
    );
}

function Grades({ class_, confidence, reclaim, risk }: { class_: string; confidence: string; reclaim: string; risk: string }) {
    return (
        <ul class="grades">
            {class_ && <li><span>Class</span> {class_}</li>}
            {confidence && <li><span>Confidence</span> {confidence}</li>}
            <li title={RECLAIM_TEXT[reclaim]}><span>Reclaim</span> {reclaim}</li>
            {risk && <li class="risk"><span>Risk</span> {risk}: it may hold the only copy of somebody's data</li>}
        </ul>
    );
}

function Reasons({ title, id, reasons, none, from }: { title: string; id: string; reasons: Reason[]; none: string; from?: number }) {
    return (
        <Card title={title} id={id} aside={from !== undefined && <a href={href(`file/${from}`)} class="muted"><Name>{files.name[from]}</Name></a>}>
            {reasons.length === 0 ? <Empty>{none}</Empty> : (
                <ol class="reasons">
                    {reasons.map((reason, place) => (
                        <li key={place} class={reason.weight}>
                            <Name>{reason.text}</Name> <code>{reason.code}</code>
                            {reason.weight === "against" && from !== undefined && <span class="muted"> (against)</span>}
                            {reason.source && <p class="muted">from <Name>{reason.source}</Name></p>}
                        </li>
                    ))}
                </ol>
            )}
        </Card>
    );
}

function Owners({ row }: { row: number }) {
    const owners = files.owners(row);
    if (owners.length === 0) return <>none known</>;
    return (
        <>
            {owners.map((owner) => {
                const place = vmOf(owner);
                const vm = place === undefined ? undefined : vms()[place];
                return (
                    <div key={owner.type + owner.id}>
                        {owner.type} {place === undefined ? <Name>{owner.name}</Name> : <a href={href(`vm/${place}`)}><Name>{owner.name}</Name></a>}
                        {vm?.host && <span class="muted"> last on <Name>{vm.host}</Name></span>}
                        {owner.noted && <span class="muted">, noted owner <Name>{owner.noted}</Name></span>}
                        {vm?.folder && <p class="muted">in <Name>{vm.folder}</Name></p>}
                        {vm?.notes && <p class="muted"><Name>{vm.notes}</Name></p>}
                    </div>
                );
            })}
        </>
    );
}

function Command({ text }: { text: string }) {
    return <pre class="command" dir="ltr">{text}</pre>;
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
    return <><dt>{name}</dt><dd>{children}</dd></>;
}

function Path({ place }: { place: Place }) {
    if (typeof place === "number") return <a href={href(`file/${place}`)}><Name>{files.place(place)}</Name></a>;
    if (typeof place === "string") return <span class={`nowhere n-${place}`}>{place}</span>;
    return <Name>{place.path}</Name>;
}

function References({ row }: { row: number }) {
    const { referenced_by, references } = detail(row);
    if (referenced_by.length + references.length === 0) return null;
    return (
        <div class="columns">
            <Card title="Named by" id="by">
                {referenced_by.length === 0 ? <Empty>Nobody.</Empty> : (
                    <ul class="references">{referenced_by.map((by, place) => <li key={place}><span class="role">{by.role}</span> <Path place={by.path} /></li>)}</ul>
                )}
            </Card>
            <Card title="Names" id="names">
                {references.length === 0 ? <Empty>Nothing.</Empty> : (
                    <ul class="references">
                        {references.map((reference, place) => (
                            <li key={place}><span class="role">{reference.role}</span> <Name class="mono">{reference.path}</Name> <span aria-hidden="true">→</span> <Path place={reference.resolved} /></li>
                        ))}
                    </ul>
                )}
            </Card>
        </div>
    );
}

/** Entries of a fact: pairs of key and value read as one. */
function entries(value: object): [string, unknown][] {
    if (!Array.isArray(value)) return Object.entries(value);
    return value.map((item, place) => {
        const pair = item !== null && typeof item === "object" && Object.keys(item).length === 2 && "key" in item && "value" in item;
        return pair ? [String(item.key), item.value] : [String(place + 1), item];
    });
}

function Tree({ value }: { value: unknown }) {
    if (value === null || typeof value !== "object") return <Name>{String(value)}</Name>;
    if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object")) return <Name>{value.join(", ")}</Name>;
    return (
        <dl class="tree">
            {entries(value).map(([name, item], place) => (
                <div key={place} class={item !== null && typeof item === "object" ? "deep" : ""}>
                    <dt>{name.replaceAll("_", " ")}</dt><dd><Tree value={item} /></dd>
                </div>
            ))}
        </dl>
    );
}
