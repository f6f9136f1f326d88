/** What the answer rests on, and what is wrong with what was found. */
import { asOf, head, type Problem } from "./data";
import { age, bytes, count, number, time } from "./format";
import { Card, Empty, Name, Signature } from "./parts";
import { Certainty } from "./overview";

const SHOWN = 200;

export function Coverage() {
    const { coverage } = head;
    const roots = coverage.roots ?? [];
    const inventories = coverage.inventories ?? [];
    const gaps = coverage.gap_details ?? [];
    const issues = coverage.issues ?? [];
    const skipped = roots.flatMap((root) => root.skipped ?? []);
    const empty = roots.flatMap((root) => root.empty_folders ?? []);
    return (
        <main id="main" class="page">
            <h1>Coverage</h1>
            <Certainty />
            <Card title="Gaps" id="gaps">
                {gaps.length === 0 ? <Empty>None is known.</Empty> : (
                    <ul class="reasons">
                        {gaps.map((gap, place) => (
                            <li key={place} class={gap.caps && gap.files ? "against" : ""}>
                                <Name>{gap.text}</Name> <code>{gap.code}</code>
                                <p class="muted">{(gap.datastores ?? []).join(", ")}{gap.caps && gap.files > 0 && `: ${count(gap.files, "file")} unknown because of it, ${bytes(gap.allocated_bytes)}`}</p>
                            </li>
                        ))}
                    </ul>
                )}
            </Card>
            <Lines title="Accepted" id="accepted" lines={head.accepted} />
            <Lines title={`Second opinion: ${head.agreements}. Those that differ`} id="opinions" lines={head.differing} />
            <Card title="Roots" id="roots">
                <div class="scroll">
                    <table class="plain">
                        <thead><tr><th>Datastore</th><th>Root</th><th>Identity</th><th>Inventories</th><th class="right">Files</th><th class="right">Artifacts</th><th class="right">Allocated</th><th class="right">Capacity</th><th class="right">Free</th></tr></thead>
                        <tbody>
                            {roots.map((root, place) => (
                                <tr key={place}>
                                    <td><Name>{root.datastore}</Name></td><td class="mono"><Name>{root.path}</Name></td>
                                    <td title={root.identity_basis}>{root.identity}<p class="muted small"><Name>{root.identity_basis}</Name></p></td>
                                    <td><span class={`cover c-${root.covered}`}>{root.covered}</span></td>
                                    <td class="right">{number(root.files)}</td><td class="right">{number(root.artifacts)}</td>
                                    <td class="right">{bytes(root.allocated_bytes)}</td><td class="right">{bytes(root.capacity_bytes)}</td><td class="right">{bytes(root.free_bytes)}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            </Card>
            <Card title="Inventories" id="inventories">
                {inventories.length === 0 ? <Empty>No inventory was given: whether a file has an owner that is not on these datastores is not known.</Empty> : (
                    <div class="scroll">
                        <table class="plain">
                            <thead><tr><th>Inventory</th><th>Made from</th><th>Taken</th><th class="right">Age</th><th class="right">VMs</th><th>Speaks of</th></tr></thead>
                            <tbody>
                                {inventories.map((inventory, place) => (
                                    <tr key={place}>
                                        <td><Name>{inventory.source}</Name>{(inventory.warnings ?? []).map((warning, number) => <p key={number} class="warning"><Name>{warning}</Name></p>)}</td>
                                        <td>{(inventory.kinds ?? []).join(", ")}</td><td>{time(inventory.collected)}</td>
                                        <td class="right">{age(asOf, inventory.collected ? Date.parse(inventory.collected) / 1000 : NaN)}</td>
                                        <td class="right">{number(inventory.vms)}</td>
                                        <td><Name>{[...(inventory.scope?.datastores ?? []), ...(inventory.scope?.hosts ?? [])].join(", ")}</Name></td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </div>
                )}
            </Card>
            <Lines title="Could not be read" id="issues" lines={issues.map((issue) => `${issue.path}: ${issue.error} (${issue.stage})`)} />
            <Lines title="Left out on purpose" id="skipped" lines={skipped.map((skipped) => `${skipped.path} (${skipped.why})`)} />
            <Lines title="Empty folders" id="empty" lines={empty} />
            <Signature />
        </main>
    );
}

function Lines({ title, id, lines }: { title: string; id: string; lines: string[] }) {
    if (lines.length === 0) return null;
    return (
        <Card title={`${title}: ${number(lines.length)}`} id={id}>
            <ul class="references">{lines.slice(0, SHOWN).map((line, place) => <li key={place}><Name>{line}</Name></li>)}</ul>
            {lines.length > SHOWN && <p class="muted">… and {number(lines.length - SHOWN)} more; the JSON report has all.</p>}
        </Card>
    );
}

const SEVERITIES = { error: "bad", warning: "warn", info: "none" };

export function Problems() {
    const kinds = new Map<string, Problem[]>();
    for (const problem of head.problems) {
        const key = `${problem.severity}\n${problem.code}\n${problem.next_step}`;
        kinds.set(key, [...(kinds.get(key) ?? []), problem]);
    }
    return (
        <main id="main" class="page">
            <h1>Problems</h1>
            {head.problems.length === 0 && <Empty>None was found.</Empty>}
            {[...kinds.values()].map((problems, place) => (
                <Card key={place} title={`${problems[0].code}: ${number(problems.length)}`} id={`problem-${place}`}
                    aside={<span class="severity"><span class={`light l-${SEVERITIES[problems[0].severity]}`} aria-hidden="true" />{problems[0].severity}</span>}>
                    {problems[0].next_step && <p class="next"><b>Next:</b> <Name>{problems[0].next_step}</Name></p>}
                    <ul class="reasons">
                        {problems.slice(0, SHOWN).map((problem, number) => (
                            <li key={number}>
                                <b><Name>{problem.subject}</Name></b>: <Name>{problem.text}</Name>
                                {(problem.reasons ?? []).map((reason, number) => (
                                    <p key={number} class="muted small"><Name>{reason.text}</Name>{reason.source && <> (<Name>{reason.source}</Name>)</>}</p>
                                ))}
                            </li>
                        ))}
                    </ul>
                    {problems.length > SHOWN && <p class="muted">… and {number(problems.length - SHOWN)} more; the JSON report has all.</p>}
                </Card>
            ))}
            <Signature />
        </main>
    );
}
