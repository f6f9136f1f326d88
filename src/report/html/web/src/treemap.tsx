/** What each datastore holds, by allocated bytes: datastore, then VM or group, then file; a click goes one level down. */
import { hierarchy, treemap, treemapSquarify, type HierarchyRectangularNode } from "d3-hierarchy";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { files, groups } from "./data";
import { bytes, count } from "./format";
import { Empty, Name, VerdictIcon } from "./parts";
import { href } from "./state";
import { VERDICTS } from "./words";

/** Fields of one picture; what is smaller is told as one field. */
const MOST = 220;
const NOBODYS = new Set(["orphaned", "unregistered", "unknown"]);

interface Node { name: string; bytes: number; verdict: string; link?: string; files: number; children?: Node[]; rest?: boolean }

/** Bytes and files of every group on every datastore. */
function sums(onlyNobodys: boolean): Map<number, Map<number, { bytes: number; files: number }>> {
    const all = new Map<number, Map<number, { bytes: number; files: number }>>();
    const wanted = files.verdict.words.map((verdict) => !onlyNobodys || NOBODYS.has(verdict));
    for (let row = 0; row < files.length; row++) {
        if (!wanted[files.verdict.index[row]]) continue;
        const datastore = files.datastore.index[row];
        let inside = all.get(datastore);
        if (!inside) all.set(datastore, (inside = new Map()));
        const sum = inside.get(files.group[row]);
        if (sum) { sum.bytes += files.bytes(row); sum.files += 1; }
        else inside.set(files.group[row], { bytes: files.bytes(row), files: 1 });
    }
    return all;
}

function capped(children: Node[], most: number): Node[] {
    const sorted = children.filter((child) => child.bytes > 0).sort((a, b) => b.bytes - a.bytes);
    if (sorted.length <= most) return sorted;
    const rest = sorted.slice(most - 1);
    const sum = rest.reduce((sum, child) => sum + child.bytes, 0);
    const sumFiles = rest.reduce((sum, child) => sum + child.files, 0);
    return [...sorted.slice(0, most - 1), { name: `${rest.length} smaller`, bytes: sum, verdict: "", files: sumFiles, rest: true }];
}

function groupNodes(datastore: number, inside: Map<number, { bytes: number; files: number }>, show: string): Node[] {
    return [...inside].map(([group, sum]) => ({
        name: group < 0 ? "single files" : groups[group].title, ...sum, verdict: group < 0 ? "" : groups[group].verdict,
        link: href("", { ...(show && { show }), at: files.datastore.words[datastore], group: String(group) }),
    }));
}

function fileNodes(datastore: number, group: number, onlyNobodys: boolean): Node[] {
    const nodes: Node[] = [];
    for (let row = 0; row < files.length; row++) {
        if (files.group[row] !== group || files.datastore.index[row] !== datastore) continue;
        if (onlyNobodys && !NOBODYS.has(files.verdict.at(row))) continue;
        nodes.push({ name: files.name[row], bytes: files.bytes(row), verdict: files.verdict.at(row), files: 1, link: href(`file/${row}`) });
    }
    return nodes;
}

export function Treemap({ query }: { query: URLSearchParams }) {
    const show = query.get("show") ?? "";
    const onlyNobodys = show === "nobodys";
    const at = query.get("at");
    const group = query.get("group");
    const all = useMemo(() => sums(onlyNobodys), [onlyNobodys]);
    const place = useRef<HTMLDivElement>(null);
    const [width, setWidth] = useState(0);
    useEffect(() => {
        const measure = () => { if (place.current) setWidth(place.current.clientWidth); };
        measure();
        const observer = new ResizeObserver(measure);
        observer.observe(place.current!);
        return () => observer.disconnect();
    }, []);

    const datastore = at === null ? -1 : files.datastore.words.indexOf(at);
    const tree = useMemo((): Node => {
        if (datastore >= 0 && group !== null) {
            return { name: "", bytes: 0, verdict: "", files: 0, children: capped(fileNodes(datastore, Number(group), onlyNobodys), MOST) };
        }
        if (datastore >= 0) {
            return { name: "", bytes: 0, verdict: "", files: 0, children: capped(groupNodes(datastore, all.get(datastore) ?? new Map(), show), MOST) };
        }
        const most = Math.max(8, Math.floor(MOST / Math.max(1, all.size)));
        return {
            name: "", bytes: 0, verdict: "", files: 0,
            children: [...all].map(([datastore, inside]) => ({
                name: files.datastore.words[datastore], bytes: 0, verdict: "", files: 0,
                link: href("", { ...(show && { show }), at: files.datastore.words[datastore] }),
                children: capped(groupNodes(datastore, inside, show), most),
            })).filter((node) => node.children.length > 0),
        };
    }, [all, datastore, group, show]);

    const height = Math.round(Math.max(280, Math.min(460, width * 0.42)));
    const nodes = useMemo(() => {
        if (!width) return [];
        const root = hierarchy(tree).sum((node) => (node.children ? 0 : node.bytes)).sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
        return treemap<Node>().tile(treemapSquarify).size([width, height]).paddingInner(2).round(true)
            .paddingTop((node) => (node.depth === 1 && node.children ? 24 : 0))(root).descendants().filter((node) => node.depth > 0);
    }, [tree, width, height]);

    const groupTitle = group === null ? "" : Number(group) < 0 ? "single files" : groups[Number(group)]?.title ?? "";
    return (
        <div class="treemap-box">
            <nav class="crumbs no-print" aria-label="Place in the picture">
                <a href={href("", show ? { show } : {})} aria-current={at === null ? "page" : undefined}>All datastores</a>
                {at !== null && <><span aria-hidden="true">›</span><a href={href("", { ...(show && { show }), at })} aria-current={group === null ? "page" : undefined}><Name>{at}</Name></a></>}
                {group !== null && <><span aria-hidden="true">›</span><a href={location.hash} aria-current="page"><Name>{groupTitle}</Name></a></>}
            </nav>
            <div class="treemap" ref={place} style={{ height: `${height}px` }} role="group" aria-label="Treemap of allocated bytes">
                {nodes.map((node, number) => <Field key={number} node={node} across={width} />)}
                {width > 0 && nodes.length === 0 && <Empty>Nothing of this sort takes any space.</Empty>}
            </div>
            <ul class="legend" aria-label="Colours of the verdicts">
                {VERDICTS.filter((verdict) => files.verdict.words.includes(verdict)).map((verdict) => (
                    <li key={verdict}><i class={`swatch f-${verdict}`} /><VerdictIcon verdict={verdict} />{verdict}</li>
                ))}
            </ul>
        </div>
    );
}

function Field({ node, across }: { node: HierarchyRectangularNode<Node>; across: number }) {
    const { data } = node;
    // In parts of the width, so that paper of another width shows the whole picture.
    const part = (x: number) => `${(x / across) * 100}%`;
    const size = { left: part(node.x0), top: `${node.y0}px`, width: part(node.x1 - node.x0), height: `${node.y1 - node.y0}px` };
    const value = bytes(node.value);
    const title = `${data.name}\n${value}${data.files > 1 ? ` in ${count(data.files, "file")}` : ""}${data.verdict ? `\n${data.verdict}` : ""}`;
    if (node.children) {
        return <a class="field parent" style={size} href={data.link} title={title}><Name>{data.name}</Name> <span>{value}</span></a>;
    }
    const wide = node.x1 - node.x0 > 46 && node.y1 - node.y0 > 20;
    const tall = node.y1 - node.y0 > 38;
    const inside = wide && <><Name>{data.name}</Name>{tall && <span>{value}</span>}</>;
    const name = `field f-${data.verdict || "rest"}`;
    if (!data.link) return <div class={name} style={size} title={title}>{inside}</div>;
    return <a class={name} style={size} href={data.link} title={title} aria-label={title.replaceAll("\n", ", ")}>{inside}</a>;
}
