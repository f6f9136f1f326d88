/** The frame of the page: heading, views, and what stands below each of them. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Coverage, Problems } from "./coverage";
import { files, groups, head } from "./data";
import { FileView, GroupView } from "./detail";
import { prepare } from "./filter";
import { count, number, time } from "./format";
import { List } from "./list";
import { Overview } from "./overview";
import { Empty } from "./parts";
import { applyTheme, href, storedTheme, useAddress, type Theme } from "./state";
import { Migration, VmView, Vms } from "./vms";

declare const LICENCES: { name: string; version: string; licence: string; text: string }[];

const VIEWS: { path: string; title: string; link: string; number?: () => number }[] = [
    { path: "", title: "Overview", link: href("") },
    { path: "list", title: "Files", link: href("list", { verdict: ["orphaned", "unregistered"] }) },
    { path: "vms", title: "VMs", link: href("vms"), number: () => head.vms },
    { path: "migration", title: "Migration", link: href("migration") },
    { path: "problems", title: "Problems", link: href("problems"), number: () => head.problems.length },
    { path: "coverage", title: "Coverage", link: href("coverage") },
];
/** Of the page; in front of it stands what a view is of, for tabs and screen readers. */
const TITLE = `derelict report ${head.as_of.slice(0, 10)}`;
/** Views of one thing belong to the list that leads to them. */
const PARENT: Record<string, string> = { file: "list", group: "list", vm: "vms", about: "about" };

/** The details stand behind the program: the views that need them wait until the whole file is read. */
function useWholeFile(): boolean {
    const [whole, set] = useState(document.readyState !== "loading");
    useEffect(() => {
        const read = () => set(true);
        if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", read);
        else read();
        return () => document.removeEventListener("DOMContentLoaded", read);
    }, []);
    return whole;
}

function View() {
    const { path } = useAddress();
    const whole = useWholeFile();
    const place = Number(path[1]);
    const within = (length: number) => Number.isInteger(place) && place >= 0 && place < length;
    useEffect(() => scrollTo(0, 0), [path.join("/")]);
    useEffect(() => {
        const heading = path[0] ? document.querySelector("main h1")?.textContent : "";
        document.title = heading ? `${heading} – ${TITLE}` : TITLE;
    });
    switch (path[0] ?? "") {
        case "": return <Overview />;
        case "list": return <List />;
        case "problems": return <Problems />;
        case "coverage": return <Coverage />;
        case "about": return <About />;
    }
    if (!whole) return <main id="main" class="page" aria-busy="true" />;
    switch (path[0]) {
        case "vms": return <Vms key="vms" />;
        case "migration": return <Migration key="migration" />;
        case "file": if (within(files.length)) return <FileView key={place} row={place} />; break;
        case "group": if (within(groups.length)) return <GroupView key={place} place={place} />; break;
        case "vm": if (within(head.vms)) return <VmView key={place} place={place} />; break;
    }
    return <main id="main" class="page"><Empty>There is nothing of this name in the report. <a href={href("")}>Overview</a></Empty></main>;
}

function Frame() {
    const { path } = useAddress();
    const at = PARENT[path[0]] ?? path[0] ?? "";
    const [theme, setTheme] = useState<Theme>(storedTheme);
    useEffect(() => applyTheme(theme), [theme]);
    return (
        <>
            <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); const main = document.getElementById("main"); main?.setAttribute("tabindex", "-1"); main?.focus(); }}>Skip to content</a>
            <header class="top">
                <div class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 6c0-1.7 4-3 9-3s9 1.3 9 3-4 3-9 3-9-1.3-9-3zM3 6v6c0 1.7 4 3 9 3M21 6v5M3 12v6c0 1.7 4 3 9 3" /><path class="broken" d="m15.5 14.5 5.5 5.5M21 14.5 15.5 20" /></svg>
                    <div><strong>derelict</strong><span>{time(head.as_of)}</span></div>
                </div>
                <nav aria-label="Views">
                    {VIEWS.map((view) => (
                        <a key={view.path} href={view.link} aria-current={at === view.path ? "page" : undefined}>
                            {view.title}{view.number && " "}{view.number && <span class="badge">{number(view.number())}</span>}
                        </a>
                    ))}
                </nav>
                <div class="tools no-print">
                    <select aria-label="Colours" value={theme} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
                        <option value="auto">As the system</option><option value="light">Light</option><option value="dark">Dark</option>
                    </select>
                    <button type="button" class="button" onClick={() => print()}>Print</button>
                </div>
            </header>
            <View />
            <footer class="foot">
                {count(head.artifacts, "file")} of virtual machines, judged as of {time(head.as_of)} by derelict {head.version}. <a href={href("about")}>About this page</a>
            </footer>
        </>
    );
}

function About() {
    return (
        <main id="main" class="page">
            <h1>About this page</h1>
            <p>It was written by derelict {head.version} on {time(head.generated)}. It is one file, loads nothing and sends nothing; its policy forbids both. A view can be sent as a link together with the file: its state stands in the address.</p>
            <p>Names are shown with control, invisible and bidirectional characters escaped. Sizes are allocated bytes in binary units; in the list of files every name of a file counts, in the sums of the overview each file counts once.</p>
            <h2>Libraries in this page</h2>
            {LICENCES.map((library) => (
                <details key={library.name}><summary>{library.name} {library.version} ({library.licence})</summary><pre>{library.text}</pre></details>
            ))}
        </main>
    );
}

applyTheme(storedTheme());
document.title = TITLE;
render(<Frame />, document.getElementById("page")!);
requestAnimationFrame(() => setTimeout(() => {
    performance.mark("derelict-first-view");
    (window.requestIdleCallback ?? setTimeout)(prepare);
}));
