import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, open, rows } from "./browser.mjs";

const COLUMNS = ["registration", "config", "disks", "chain", "snapshots", "devices", "encryption", "memory", "placement", "identity", "other", "knowledge"];
const lit = (row) => COLUMNS.filter((column) => row[column] !== "✓ok" && row[column] !== "ok").map((column) => `${column}: ${row[column]}`);

/** All rows at once: the window is high and wide enough for them. */
const migration = (use) => open("#/migration", async (page) => {
    const list = await rows(page);
    await use((name) => list.find((row) => row.name === name), list);
}, { viewport: { width: 2400, height: 2400 } });

test("every problem shows on one light, and a VM without any is ready", () => migration((of, list) => {
    const several = ["sound", "much at once"];
    assert.ok(list.length > 40, `${list.length} rows`);
    for (const row of list.filter((row) => !several.includes(row.name))) assert.equal(lit(row).length, 1, `${row.name}: ${lit(row).join("; ")}`);
    assert.deepEqual(lit(of("sound")), []);
    assert.match(of("sound").overall, /ready$/);
}));

test("a light has the colour of the worst and says each thing once", () => migration((of) => {
    assert.deepEqual(lit(of("encrypted twice")), ["encryption: !encrypted"]);
    assert.deepEqual(lit(of("much at once")), ["disks: ✕not finished, VHD format"]);
    assert.deepEqual(lit(of("deep-chain")), ["snapshots: !deep chain"]);
    assert.deepEqual(lit(of("endless chain")), ["snapshots: ✕deep chain"], "an error is red");
    assert.match(of("endless chain").overall, /not ready$/);
}));

test("a disk that was copied is worth knowing and keeps no VM from being ready", () => migration((of) => {
    assert.deepEqual(lit(of("copied disk")), ["identity: –copied disk"]);
    assert.equal(of("copied disk").overall, "✓ready");
    assert.deepEqual(lit(of("duplicate-identity")), ["identity: !twice"]);
}));

test("what no backup names is found from the overview", () => open("", async (page) => {
    assert.match(await page.locator("main").innerText(), /Backups \(no proof of ownership\)[\s\S]*16 groups of orphaned and unregistered files .* in no backup/);
    await page.getByRole("link", { name: "What is in none" }).click();
    const list = await rows(page);
    assert.equal(list[0].backup, "none", "what is in none stands first");
    await page.locator(".search").fill("");
    await page.goto(`${page.url().split("#")[0]}#/list?verdict=orphaned&sort=-backup`);
    await page.reload();
    const [first] = await rows(page);
    assert.equal(first.backup, "crm-alt by nightly, last of an unknown day (jobs.csv: row 2)");
    await page.locator(".grid a.cell").first().click();
    await page.getByText("Backups (no proof of ownership)").waitFor();
}));

test("a list is filtered by backup, and the address keeps it", () => open("#/list", async (page) => {
    const backup = page.locator("select[aria-label=Backup]");
    const found = async () => (await page.locator(".found").innerText()).trim();
    const all = await found();
    await backup.selectOption("none");
    assert.match(await found(), /^16 groups/);
    assert.ok((await rows(page)).every((row) => row.backup === "none"));
    await page.reload();
    assert.match(await found(), /^16 groups/, "after a reload");
    await backup.selectOption("some");
    assert.ok((await rows(page)).every((row) => row.backup !== "none" && row.backup !== ""));
    await page.getByRole("link", { name: "Clear" }).click();
    await eventually(async () => assert.equal(await found(), all));
}));

test("what was accepted is in no sum of what belongs to nobody, and is found where it is asked for", () => open("", async (page) => {
    const accepted = "VDI-Basis/win11-basis.vhdx";
    assert.ok(!(await page.locator(".largest").innerText()).includes(accepted));
    await page.locator(".tile.accent").click();
    await eventually(async () => assert.match(page.url(), /accepted=no/));
    assert.ok((await rows(page)).every((row) => row.name !== accepted));
    await page.locator("select[aria-label=Accepted]").selectOption("yes");
    await eventually(async () => assert.deepEqual((await rows(page)).map((row) => [row.name, row.accepted]), [[accepted, "kept for the helpdesk"]]));
    await page.locator(".grid a.cell").first().click();
    await page.getByText("kept for the helpdesk").waitFor();
}));
