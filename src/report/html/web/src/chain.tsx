/** The chain of references around a file or of a VM, drawn from the VM to the base disk. */
import { Graph, layout } from "@dagrejs/dagre";
import { detail, files, once, vmOf, vms, type Place } from "./data";
import { bytes } from "./format";
import { Empty } from "./parts";
import { href } from "./state";

/** Boxes of one drawing: what is larger is no picture any more. */
const MOST = 60;
const WIDTH = 210;
const HEIGHT = 46;
const CONFIG = /^(vmx|vmtx|vmcx|hyperv-xml)$/;

interface Box { id: string; title: string; sub: string; link?: string; verdict: string; here?: boolean }
interface Arrow { from: string; to: string; role: string }

class Drawing {
    readonly boxes = new Map<string, Box>();
    readonly arrows = new Map<string, Arrow>();
    cut = false;

    private add(box: Box): boolean {
        if (this.boxes.has(box.id)) return false;
        if (this.boxes.size >= MOST) { this.cut = true; return false; }
        this.boxes.set(box.id, box);
        return true;
    }
    private arrow(from: string, to: string, role: string) {
        // What names its own namer (a .vmxf its .vmx) is told once, from the VM down.
        if (from === to || !this.boxes.has(from) || !this.boxes.has(to) || this.arrows.has(`${to} ${from}`)) return;
        this.arrows.set(`${from} ${to}`, { from, to, role });
    }
    file(row: number, here = false): boolean {
        return this.add({
            id: `f${row}`, title: files.name[row], sub: `${files.kind.at(row)}, ${bytes(files.allocated[row])}`, verdict: files.verdict.at(row),
            link: href(`file/${row}`), here,
        });
    }
    vm(place: number, here = false): string {
        const vm = vms()[place];
        this.add({
            id: `v${place}`, title: vm.name, sub: vm.registered ? `VM${vm.host ? ` on ${vm.host}` : ""}` : "VM, not registered",
            verdict: vm.registered ? "owned" : "unregistered", link: href(`vm/${place}`), here,
        });
        return `v${place}`;
    }
    private other(place: Exclude<Place, number>, written: string): string {
        const text = typeof place === "string" ? written : place.path;
        const id = `p${text}`;
        const name = text.split(/[/\\]/).filter(Boolean).pop() ?? text;
        this.add({ id, title: name, sub: typeof place === "string" ? place : "not listed", verdict: place === "missing" ? "gone" : "outside" });
        return id;
    }
    /** Everything that leads to the file, up to its VM. */
    up(start: number) {
        const queue = [start];
        for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
            let named = false;
            for (const by of detail(row).referenced_by) {
                // The .vmxf names its .vmx, a clone its template; a chain does not begin there.
                if (typeof by.path !== "number" || files.kind.at(by.path) === "vmxf" || by.role === "clone") continue;
                named = true;
                if (this.file(by.path)) queue.push(by.path);
                this.arrow(`f${by.path}`, `f${row}`, by.role);
            }
            if (named && !CONFIG.test(files.kind.at(row))) continue;
            for (const owner of files.owners(row)) {
                const place = vmOf(owner);
                if (place !== undefined) this.arrow(this.vm(place), `f${row}`, "");
            }
        }
    }
    /** Everything that the file leads to, down to the base disk. */
    down(start: number) {
        const queue = [start];
        for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
            for (const reference of detail(row).references) {
                if (reference.role === "clone") continue;
                const to = reference.resolved;
                if (typeof to === "number") {
                    if (this.file(to)) queue.push(to);
                    this.arrow(`f${row}`, `f${to}`, reference.role);
                } else this.arrow(`f${row}`, this.other(to, reference.path), reference.role);
            }
        }
    }
}

export function chainOfFile(row: number): Drawing {
    const drawing = new Drawing();
    drawing.file(row, true);
    drawing.up(row);
    drawing.down(row);
    return drawing;
}

export function chainOfFiles(rows: number[]): Drawing {
    const drawing = new Drawing();
    for (const row of rows) drawing.file(row);
    for (const row of rows.slice(0, MOST)) { drawing.up(row); drawing.down(row); }
    return drawing;
}

export function chainOfVm(place: number): Drawing {
    const drawing = new Drawing();
    const vm = vms()[place];
    drawing.vm(place, true);
    const rows = vm.artifacts.filter((row) => CONFIG.test(files.kind.at(row)));
    for (const row of [...rows, ...vm.artifacts]) { drawing.file(row); }
    for (const row of [...rows, ...vm.artifacts].slice(0, MOST)) { drawing.up(row); drawing.down(row); }
    return drawing;
}

const pen = once(() => document.createElement("canvas").getContext("2d"));
/** The text of a box, its middle left out where it is wider than the box in the font that the reader has. */
function short(text: string, font: string): string {
    const context = pen();
    if (context) context.font = `${font} system-ui, sans-serif`;
    const width = (line: string) => context?.measureText(line).width ?? line.length * 7;
    const letters = [...text];
    let line = text;
    for (let most = Math.min(letters.length, 60) - 1; most > 4 && width(line) > WIDTH - 24; most--) {
        line = `${letters.slice(0, Math.ceil(most * 0.6)).join("")}…${letters.slice(-Math.floor(most * 0.4)).join("")}`;
    }
    return line;
}

export function Chain({ drawing, label }: { drawing: Drawing; label: string }) {
    if (drawing.arrows.size === 0) return <Empty>Nothing names it, and it names nothing.</Empty>;
    const graph = new Graph({ multigraph: false }).setGraph({ rankdir: "LR", nodesep: 14, ranksep: 70, marginx: 8, marginy: 8 }).setDefaultEdgeLabel(() => ({}));
    for (const box of drawing.boxes.values()) graph.setNode(box.id, { width: WIDTH, height: HEIGHT });
    for (const { from, to } of drawing.arrows.values()) graph.setEdge(from, to);
    layout(graph);
    const size = graph.graph() as { width?: number; height?: number };
    const width = Math.ceil(size.width ?? 0);
    const height = Math.ceil(size.height ?? 0);
    return (
        <>
            <div class="scroll chain" tabIndex={0} role="group" aria-label={label}>
                <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
                    <defs>
                        <marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" /></marker>
                    </defs>
                    {[...drawing.arrows.values()].map(({ from, to, role }) => {
                        const { points } = graph.edge(from, to) as { points: { x: number; y: number }[] };
                        const middle = points[Math.floor(points.length / 2)];
                        return (
                            <g key={`${from} ${to}`} class="arrow">
                                <path d={`M${points.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`} marker-end="url(#tip)" />
                                {role && <text x={middle.x} y={middle.y - 4} text-anchor="middle">{role}</text>}
                            </g>
                        );
                    })}
                    {[...drawing.boxes.values()].map((box) => {
                        const { x, y } = graph.node(box.id) as { x: number; y: number };
                        const inside = (
                            <g class={`box b-${box.verdict}${box.here ? " here" : ""}`} transform={`translate(${x - WIDTH / 2} ${y - HEIGHT / 2})`}>
                                <title>{`${box.title}\n${box.sub}\n${box.verdict}`}</title>
                                <rect width={WIDTH} height={HEIGHT} rx="7" />
                                <rect class="edge" width="5" height={HEIGHT} rx="2" />
                                <text class="box-title" x="14" y="19">{short(box.title, "600 12.5px")}</text>
                                <text class="box-sub" x="14" y="36">{short(box.sub, "11px")}</text>
                            </g>
                        );
                        return box.link ? <a key={box.id} href={box.link} aria-label={`${box.title}, ${box.sub}, ${box.verdict}`}>{inside}</a> : <g key={box.id}>{inside}</g>;
                    })}
                </svg>
            </div>
            {drawing.cut && <p class="muted">Only {MOST} files are drawn.</p>}
        </>
    );
}
