/** The verdicts as they are told to people, what needs attention first. */
export const VERDICTS = ["orphaned", "unregistered", "unknown", "in-use", "service", "system", "owned"] as const;
export type Verdict = (typeof VERDICTS)[number];

export const VERDICT_TEXT: Record<Verdict, string> = {
    orphaned: "belongs to no VM and no service, and nothing speaks for it",
    unregistered: "belongs to a whole VM on disk that no covering inventory registers",
    unknown: "cannot be judged; the class says why",
    "in-use": "no owner is known, but something uses it",
    service: "belongs to something that is no VM",
    system: "a file of the datastore or the host",
    owned: "reached from a VM that an inventory registers",
};

export const RECLAIM_TEXT: Record<string, string> = {
    candidate: "may be reclaimed",
    review: "only after somebody has looked at what the reasons say",
    never: "not to be reclaimed",
};

export const BASIS_TEXT: Record<string, string> = {
    name: "by its name",
    content: "by its content",
    both: "by its name and its content",
    conflict: "by its content, against its name",
};

export const PLATFORM_TEXT: Record<string, string> = { vmware: "VMware", hyperv: "Hyper-V" };
