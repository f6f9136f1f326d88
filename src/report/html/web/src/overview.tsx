/** The first view: how sure the answer is, what can be reclaimed, what each datastore holds, how old it is. */
import { asOf, files, groups, head } from "./data";
import { bytes, count, number } from "./format";
import { Card, Empty, Name, Signature, VerdictTag } from "./parts";
import { href, useAddress } from "./state";
import { Treemap } from "./treemap";
import { VERDICTS } from "./words";

const AGES: [string, number][] = [
    ["below 30 days", 30], ["30 to 90 days", 90], ["90 to 180 days", 180], ["180 days to a year", 365], ["one to two years", 730], ["over two years", Infinity],
];
const LARGEST = 8;
/** The list of what counts: what somebody has accepted is in no sum. */
const NOBODYS = { verdict: ["orphaned", "unregistered"], ...(head.accepted.length > 0 && { accepted: "no" }) };

export function Overview() {
    const { query } = useAddress();
    const onlyNobodys = query.get("show") === "nobodys";
    const place = { ...(query.get("at") !== null && { at: query.get("at")! }), ...(query.get("group") !== null && { group: query.get("group")! }) };
    return (
        <main id="main" class="page">
            <h1 class="result">{head.result}</h1>
            <Certainty />
            <Tiles />
            <Card title="What the datastores hold" id="holds" aside={
                <div class="switch no-print" role="group" aria-label="What is drawn">
                    <a href={href("", place)} aria-current={!onlyNobodys}>Everything</a>
                    <a href={href("", { show: "nobodys", ...place })} aria-current={onlyNobodys}>What nobody is known to own</a>
                </div>
            }>
                <Treemap query={query} />
            </Card>
            <Datastores />
            <div class="columns">
                <Ages />
                <Largest />
            </div>
            <Backups />
            <Signature />
        </main>
    );
}

/** What backups cover: no verdict rests on it. */
function Backups() {
    const bare = groups.filter((group) => group.unprotected).length;
    if (head.backups.length === 0) return null;
    return (
        <Card title="Backups (no proof of ownership)" id="backups" aside={bare > 0 &&
            <a href={href("list", { backup: ["none"] })} class="no-print">What is in none</a>}>
            <ul class="references">{head.backups.map((line, place) => <li key={place}><Name>{line}</Name></li>)}</ul>
        </Card>
    );
}

/** On top, in plain words, what was not seen. */
export function Certainty() {
    const { coverage, summary } = head;
    const gaps = (coverage.gap_details ?? []).filter((gap) => gap.caps && gap.files > 0);
    const issues = coverage.issues ?? [];
    return (
        <>
            <div class={coverage.complete ? "banner good" : "banner warn"} role="note">
                <p><strong>{head.certainty}</strong></p>
                {(gaps.length > 0 || issues.length > 0) && (
                    <ul>
                        {gaps.slice(0, 5).map((gap, number) => (
                            <li key={number}><Name>{gap.text}</Name> <span class="muted">({count(gap.files, "file")}, {bytes(gap.allocated_bytes)} unknown because of it)</span></li>
                        ))}
                        {issues.length > 0 && <li>{count(issues.length, "item")} could not be read, the first of them <Name>{issues[0].path}</Name>: {issues[0].error}</li>}
                    </ul>
                )}
                {!coverage.complete && <p><a href={href("coverage")}>All that was and was not seen</a></p>}
            </div>
            {head.accepted.length > 0 && (
                <div class="banner info" role="note">
                    <p>{count(summary.accepted.files, "file")} ({bytes(summary.accepted.allocated_bytes)}) accepted, in no sum: <a href={href("coverage")}>what, by whom and until when</a></p>
                </div>
            )}
            {summary.filter && (
                <div class="banner info" role="note">
                    <p>Only what the filter <code>{summary.filter}</code> lets through is listed. Sums, VMs, problems and coverage are whole.</p>
                </div>
            )}
        </>
    );
}

function Tiles() {
    const { summary, problems } = head;
    const unknown = summary.verdicts.unknown;
    const errors = problems.filter((problem) => problem.severity === "error").length;
    return (
        <div class="tiles">
            <a class="tile accent" href={href("list", { ...NOBODYS, reclaim: "candidate" })}>
                <span>Reclaimable now</span><b>{bytes(summary.reclaimable_bytes)}</b><small>nothing speaks for these files</small>
            </a>
            <a class="tile" href={href("list", { ...NOBODYS, reclaim: "review" })}>
                <span>After review</span><b>{bytes(summary.review_bytes)}</b><small>somebody has to look at the reasons</small>
            </a>
            <a class="tile" href={href("list", { verdict: "unknown" })}>
                <span>Cannot be judged</span><b>{bytes(unknown.allocated_bytes)}</b><small>{count(unknown.files, "file")}</small>
            </a>
            <a class="tile" href={href("problems")}>
                <span>Problems</span><b>{number(problems.length)}</b><small>{count(errors, "error")}, {count(head.ghosts, "ghost")}</small>
            </a>
        </div>
    );
}

function Datastores() {
    const roots = head.coverage.roots ?? [];
    const rows = Object.entries(head.summary.datastores ?? {}).map(([name, verdicts]) => {
        const own = roots.filter((root) => root.datastore === name);
        const add = (field: "capacity_bytes" | "free_bytes" | "allocated_bytes") =>
            own.length === 1 ? own[0][field] : own.some((root) => root[field] == null) ? undefined : own.reduce((sum, root) => sum + root[field]!, 0);
        const of = (names: string[]) => names.reduce((sum, verdict) => sum + (verdicts[verdict]?.allocated_bytes ?? 0), 0);
        const explained = of(["owned", "service", "system", "in-use"]);
        const unexplained = of(["orphaned", "unregistered", "unknown"]);
        const allocated = add("allocated_bytes");
        return {
            name, verdicts, explained, unexplained, capacity: add("capacity_bytes"), free: add("free_bytes"),
            other: allocated == null ? undefined : Math.max(0, allocated - explained - unexplained),
            reclaimable: Object.values(verdicts).reduce((sum, one) => sum + one.reclaimable_bytes, 0),
            review: Object.values(verdicts).reduce((sum, one) => sum + one.review_bytes, 0), cover: own[0]?.covered ?? "none",
        };
    });
    if (rows.length === 0) return null;
    return (
        <Card title="Datastores" id="datastores">
            <div class="scroll">
                <table class="plain">
                    <thead>
                        <tr>
                            <th>Datastore</th><th>Held by verdict</th><th class="right">Capacity</th><th class="right">Free</th>
                            <th class="right" title="Allocated bytes of owned, service, system and in-use files">Explained</th>
                            <th class="right" title="Allocated bytes of orphaned, unregistered and unknown files">Unexplained</th>
                            <th class="right" title="Allocated bytes of files of no kind that virtualization writes">Other files</th>
                            <th class="right">Reclaimable</th><th class="right">After review</th><th>Inventories</th>
                        </tr>
                    </thead>
                    <tbody>
                        {rows.map((row) => (
                            <tr key={row.name}>
                                <td><a href={href("list", { level: "files", datastore: row.name })}><Name>{row.name}</Name></a></td>
                                <td><Stack verdicts={row.verdicts} /></td>
                                <td class="right">{bytes(row.capacity)}</td><td class="right">{bytes(row.free)}</td>
                                <td class="right">{bytes(row.explained)}</td><td class="right">{bytes(row.unexplained)}</td><td class="right">{bytes(row.other)}</td>
                                <td class="right"><b>{bytes(row.reclaimable)}</b></td><td class="right">{bytes(row.review)}</td>
                                <td><span class={`cover c-${row.cover}`}>{row.cover}</span></td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </Card>
    );
}

function Stack({ verdicts }: { verdicts: Record<string, { allocated_bytes: number; files: number }> }) {
    const all = Object.values(verdicts).reduce((sum, one) => sum + one.allocated_bytes, 0) || 1;
    const text = VERDICTS.filter((verdict) => verdicts[verdict]?.files).map((verdict) => `${verdict} ${bytes(verdicts[verdict].allocated_bytes)}`).join(", ");
    return (
        <div class="stack" role="img" aria-label={text} title={text}>
            {VERDICTS.map((verdict) => {
                const one = verdicts[verdict];
                return one?.allocated_bytes ? <i key={verdict} class={`f-${verdict}`} style={{ width: `${(one.allocated_bytes / all) * 100}%` }} /> : null;
            })}
        </div>
    );
}

function Ages() {
    const sums = [...AGES.map(([name]) => ({ name, orphaned: 0, unregistered: 0, files: 0 })), { name: "not known", orphaned: 0, unregistered: 0, files: 0 }];
    for (let row = 0; row < files.length; row++) {
        const verdict = files.verdict.at(row);
        if ((verdict !== "orphaned" && verdict !== "unregistered") || files.accepted.at(row)) continue;
        const days = (asOf - files.modified[row]) / 86400;
        const sum = sums[Number.isNaN(days) ? AGES.length : AGES.findIndex(([, limit]) => days < limit)];
        sum[verdict] += files.bytes(row);
        sum.files += 1;
    }
    const most = Math.max(1, ...sums.map((sum) => sum.orphaned + sum.unregistered));
    const shown = sums.filter((sum, place) => place < AGES.length || sum.files);
    return (
        <Card title="Age of orphans" id="ages" aside={<span class="muted">since the last write, by allocated bytes</span>}>
            <table class="bars">
                <thead class="hidden"><tr><th>Age</th><th>Bar</th><th>Bytes</th><th>Files</th></tr></thead>
                <tbody>
                    {shown.map((sum) => (
                        <tr key={sum.name}>
                            <th scope="row">{sum.name}</th>
                            <td class="bar-cell">
                                <i class="f-orphaned" style={{ width: `${(sum.orphaned / most) * 100}%` }} />
                                <i class="f-unregistered" style={{ width: `${(sum.unregistered / most) * 100}%` }} />
                            </td>
                            <td class="right">{bytes(sum.orphaned + sum.unregistered)}</td>
                            <td class="right muted">{count(sum.files, "file")}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
            <ul class="legend"><li><i class="swatch f-orphaned" />orphaned</li><li><i class="swatch f-unregistered" />unregistered</li></ul>
        </Card>
    );
}

function Largest() {
    const nobodys = groups.map((_, place) => place).filter((place) => NOBODYS.verdict.includes(groups[place].verdict) && !groups[place].accepted)
        .sort((a, b) => groups[b].allocated_bytes - groups[a].allocated_bytes);
    return (
        <Card title="Largest that belong to nobody" id="largest" aside={<a href={href("list", NOBODYS)} class="no-print">All {number(nobodys.length)}</a>}>
            {nobodys.length === 0 ? <Empty>Nothing was found to be orphaned or unregistered.</Empty> : (
                <ol class="largest">
                    {nobodys.slice(0, LARGEST).map((place) => (
                        <li key={place}>
                            <VerdictTag verdict={groups[place].verdict} />
                            <a href={href(`group/${place}`)} title={groups[place].title}><Name>{groups[place].title}</Name></a>
                            <span class="muted">{groups[place].class}</span><b>{bytes(groups[place].allocated_bytes)}</b>
                        </li>
                    ))}
                </ol>
            )}
        </Card>
    );
}
