/** Small parts that every view uses. */
import type { ComponentChildren } from "preact";
import { VERDICT_TEXT, type Verdict } from "./words";

/** One shape a verdict, so that colour is never the only sign. Drawn on a field of 16 × 16. */
const SHAPES: Record<string, string> = {
    // a broken link
    orphaned: "M6.5 4.5 8 3a2.8 2.8 0 0 1 4 4l-1.5 1.5M9.5 11.5 8 13a2.8 2.8 0 0 1-4-4l1.5-1.5M3 3l1.7 1.7M13 13l-1.7-1.7M2 6h2M12 10h2",
    // a machine that is crossed out
    unregistered: "M2.5 3h11v7.5h-11zM5.5 13.5h5M8 10.5v3M5.5 4.8l5 4M10.5 4.8l-5 4",
    // a question
    unknown: "M5.5 6a2.5 2.5 0 1 1 3.6 2.3C8.3 8.7 8 9.2 8 10M8 12.7v.3",
    // a lock
    "in-use": "M4 7.5h8v6H4zM5.5 7.5V5.2a2.5 2.5 0 0 1 5 0v2.3",
    // layers
    service: "M8 2.5 14 6 8 9.5 2 6zM2.5 9.5 8 12.8l5.5-3.3",
    // a gear
    system: "M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM8 2v2M8 12v2M2 8h2M12 8h2M3.8 3.8l1.4 1.4M10.8 10.8l1.4 1.4M12.2 3.8l-1.4 1.4M5.2 10.8l-1.4 1.4",
    // a check mark
    owned: "M3 8.5 6.5 12 13 4.5",
};

export function verdictShape(verdict: string): string {
    return SHAPES[verdict] ?? SHAPES.unknown;
}

export function VerdictIcon({ verdict }: { verdict: string }) {
    return (
        <svg class={`icon v-${verdict}`} viewBox="0 0 16 16" aria-hidden="true">
            <path d={verdictShape(verdict)} />
        </svg>
    );
}

export function VerdictTag({ verdict, label }: { verdict: string; label?: string }) {
    return (
        <span class={`tag v-${verdict}`} title={label ? undefined : VERDICT_TEXT[verdict as Verdict]}>
            <VerdictIcon verdict={verdict} />
            {label ?? verdict}
        </span>
    );
}

/** Text from evidence: isolated, in its own direction, broken anywhere. */
export function Name({ children, class: more = "" }: { children: ComponentChildren; class?: string }) {
    return <bdi class={`name ${more}`} dir="auto">{children}</bdi>;
}

export function Card({ title, id, children, class: more = "", aside }: {
    title: string; id: string; children: ComponentChildren; class?: string; aside?: ComponentChildren;
}) {
    return (
        <section class={`card ${more}`} aria-labelledby={id}>
            <div class="card-head"><h2 id={id}>{title}</h2>{aside}</div>
            {children}
        </section>
    );
}

export function Empty({ children }: { children: ComponentChildren }) {
    return <p class="empty">{children}</p>;
}

/** On paper only: who looked at this, and when. */
export function Signature() {
    return (
        <div class="signature print-only">
            <p>Checked against this report:</p>
            <div><span>Name</span><span>Date</span><span>Signature</span></div>
        </div>
    );
}

export function download(name: string, type: string, text: string): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
