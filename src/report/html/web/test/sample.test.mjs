import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFits, choose, eventually, found, open, rows, saved } from "./browser.mjs";

const checked = (page, number) => page.waitForFunction((number) => document.querySelectorAll(".select-row:checked").length === number, number);
const VIEWS = ["", "#/list", "#/list?level=files", "#/vms", "#/migration", "#/problems", "#/coverage", "#/about", "#/file/134", "#/group/3", "#/vm/18"];

test("the first view says what was found, how sure that is, and what is not known", () => open("", async (page) => {
    assert.match(await page.locator("h1").innerText(), /^24 files .* are orphaned and 15 files .* belong to unregistered VMs/);
    assert.match(await page.locator(".banner.warn").innerText(), /NOT COMPLETE[\s\S]*newer than the inventories/);
    assert.match(await page.locator(".tile").first().innerText(), /Reclaimable now\s+\d/);
    assert.equal(await page.title(), "derelict report 2026-11-02");
    const datastores = await page.locator("#datastores").locator("xpath=../..").locator("tbody tr").count();
    assert.equal(datastores, 6);
}));

test("the treemap goes from datastore to VM to file", () => open("", async (page) => {
    await page.locator(".field.parent", { hasText: "vmfs02" }).click({ position: { x: 8, y: 8 } });
    await eventually(() => assert.match(page.url(), /at=vmfs02/));
    const group = page.locator(".field", { hasText: "Archiv Fibu 2019" });
    await eventually(async () => assert.ok(await group.evaluate((field) => field.classList.contains("f-unregistered"))));
    await group.click();
    await page.locator(".field", { hasText: "Archiv Fibu 2019-flat.vmdk" }).click();
    await eventually(async () => assert.equal(await page.locator("h1").innerText(), "Archiv Fibu 2019-flat.vmdk"));
    await page.goBack();
    await page.getByRole("link", { name: "All datastores" }).click();
    await eventually(async () => assert.equal(await page.locator(".field.parent").count(), 6));
    await page.getByRole("link", { name: "What nobody is known to own" }).click();
    await eventually(async () => assert.equal(await page.locator(".field.f-owned").count(), 0));
    assert.ok((await page.locator(".field.f-orphaned").count()) > 10);
}));

test("the list is filtered, searched and sorted, and the address keeps it", () => open("#/list", async (page) => {
    await eventually(async () => assert.match(await found(page), /^52 groups/));
    await choose(page, "Verdict", "orphaned");
    await eventually(async () => assert.match(await found(page), /^14 groups/));
    await choose(page, "Datastore", "nfs01");
    await page.locator(".search").fill("crm alt");
    await eventually(async () => assert.match(await found(page), /^2 groups/));
    let list;
    await eventually(async () => {
        list = await rows(page);
        assert.equal(list.length, 2);
        assert.equal(list[0].name, "crm-alt/crm-alt.vmdk", "the largest first");
        assert.ok(list.every((row) => row.verdict === "orphaned" && row.datastore === "nfs01"));
    });
    await page.locator(".ag-header-cell", { hasText: "Group" }).click();
    await eventually(async () => {
        list = await rows(page);
        assert.deepEqual(list.map((row) => row.name), list.map((row) => row.name).toSorted());
    });

    const address = page.url();
    await page.reload();
    assert.equal(page.url(), address);
    await eventually(async () => assert.match(await found(page), /^2 groups/));
    await eventually(async () => assert.deepEqual(await rows(page), list, "a view that is sent as a link is the same view"));
    assert.equal(await page.locator(".search").inputValue(), "crm alt");

    await page.getByRole("link", { name: "Clear", exact: true }).click();
    await eventually(async () => assert.match(await found(page), /^52 groups/));
    await page.getByLabel("Age", { exact: true }).selectOption("730");
    await eventually(async () => assert.match(await found(page), /^\d groups?,/));
}));

test("groups and files are two lists, and columns can be chosen", () => open("#/list?level=files&verdict=unregistered", async (page) => {
    await eventually(async () => assert.match(await found(page), /^15 files/));
    assert.ok(!(await rows(page))[0].platform);
    await page.locator("summary", { hasText: "Columns" }).click();
    await page.locator("details[open] label", { hasText: "Platform" }).click();
    await page.locator("details[open] label", { hasText: "Class" }).click();
    await page.keyboard.press("Escape");
    await eventually(() => assert.match(page.url(), /columns=/));
    await page.waitForFunction(() => !document.querySelector(".ag-header-cell[col-id=class]"));
    await page.locator(".grid [role=gridcell][col-id=platform]").first().waitFor({ state: "attached" });
    await page.getByRole("button", { name: "Groups" }).click();
    await eventually(async () => assert.match(await found(page), /^3 groups/));
}));

test("what is selected is summed and saved as CSV", () => open("#/list?verdict=unregistered", async (page) => {
    await rows(page);
    await page.locator(".select-row").first().check();
    await eventually(async () => assert.match(await page.locator(".selected").innerText(), /^1 group selected, 220\.0 KiB$/));
    await page.getByRole("button", { name: "Select all found" }).click();
    await eventually(async () => assert.match(await page.locator(".selected").innerText(), /^3 groups selected, 364\.0 KiB$/));
    await checked(page, 3);
    const file = await saved(page, () => page.getByRole("button", { name: "Save as CSV" }).click());
    const lines = file.text.trimEnd().split("\r\n");
    assert.equal(file.name, "derelict-groups.csv");
    assert.equal(lines.length, 16, "one line a file");
    assert.match(lines[0], /^path,datastore,kind,verdict,/);
    assert.ok(lines.some((line) => /Archiv Fibu 2019-flat\.vmdk,vmfs02,vmdk-flat,unregistered,complete-vm,medium,review,/.test(line)));
    await page.getByRole("button", { name: "Clear selection" }).click();
    await checked(page, 0);
}));

test("the grid is worked from the keyboard and named for a screen reader", () => open("#/list?verdict=orphaned", async (page) => {
    await rows(page);
    const grid = page.getByRole("grid", { name: "Groups of files" }).or(page.getByRole("treegrid", { name: "Groups of files" }));
    assert.ok(Number(await grid.getAttribute("aria-rowcount")) >= 14);
    assert.equal(await page.locator(".select-row").first().getAttribute("aria-label"), "select crm-alt/crm-alt.vmdk");
    await page.locator(".grid [row-index='0'] [col-id=verdict]").click();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press(" ");
    await eventually(async () => assert.match(await page.locator(".selected").innerText(), /^1 group selected, 192\.0 KiB$/));
    await page.keyboard.press("Enter");
    await eventually(async () => assert.equal(await page.locator("h1").innerText(), "projekt-x/projekt-x-flat.vmdk"));
    await eventually(async () => assert.equal(await page.title(), "projekt-x/projekt-x-flat.vmdk – derelict report 2026-11-02"));

    await page.goto(page.url().split("#")[0] + "#/");
    await page.reload();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
    await page.keyboard.press("Enter");
    await eventually(async () => assert.equal(await page.evaluate(() => document.activeElement.id), "main"));
}));

test("a file tells its reasons, its chain, its facts and how to look again", () => open("#/list?level=files&q=db01-000007.vmdk", async (page) => {
    await rows(page);
    await page.locator(".grid a.cell", { hasText: /db01-000007.vmdk$/ }).click();
    await page.getByText("For this verdict").waitFor();
    const text = await page.locator("main").innerText();
    for (const part of [
        "db01-000007.vmdk", "stranded-snapshot", "it may hold the only copy", "For this verdict", "the last link of a chain, and no VM runs on it or has it as a snapshot",
        "Against it", "newer-than-parent", "What would change the verdict", "derelict explain REPORT.json '[vmfs01] db01/db01-000007.vmdk'", "parent file name hint", "db01.vmdk",
    ]) assert.ok(text.includes(part), part);
    const boxes = await page.$$eval(".chain .box-title", (titles) => titles.map((title) => title.textContent));
    assert.deepEqual(boxes.toSorted(), ["db01-000007-sesparse.vmdk", "db01-000007.vmdk", "db01-flat.vmdk", "db01.vmdk"]);
}));

test("a group tells whose it was and which file says so", () => open("#/list?q=db01-000007.vmdk", async (page) => {
    await page.locator(".grid a.cell").first().click();
    assert.equal((await page.getByRole("region", { name: "Owner" }).locator("p").innerText()).trim(), "db01, as db01/db01.vmsd tells.");
}));

test("the chain of an owned base disk begins at its VM", () => open("#/list?level=files&q=desk-001", async (page) => {
    await rows(page);
    await page.locator(".grid a.cell", { hasText: "golden-ubuntu-flat" }).or(page.locator(".grid a.cell", { hasText: "desk-001-000001.vmdk" })).or(page.locator(".grid a.cell", { hasText: "desk-001.vmdk" })).first().click();
    await page.locator(".chain").waitFor();
    const boxes = await page.$$eval(".chain .box-title", (titles) => titles.map((title) => title.textContent));
    assert.ok(boxes.includes("desk-001") && boxes.includes("desk-001.vmx"), boxes.join());
    assert.ok(boxes.some((name) => name.startsWith("golden-ubuntu")), `from the VM to the base disk: ${boxes.join()}`);
}));

test("ghosts and what is broken stand out among the VMs", () => open("#/vms", async (page) => {
    await eventually(async () => assert.match(await found(page), /^28 VMs/));
    await page.getByLabel("Only ghosts and problems").check();
    await eventually(async () => {
        const ghosts = (await rows(page)).filter((row) => /ghost$/.test(row.standing)).map((row) => row.name);
        assert.deepEqual(ghosts, ["intranet-alt", "TEST-ALT"]);
    });
    await page.locator(".grid a.cell", { hasText: "TEST-ALT" }).click();
    await page.getByText("Files that should be there").waitFor();
    const text = await page.locator("main").innerText();
    assert.match(text, /Files that should be there[\s\S]*TEST-ALT\.vhdx/);
    assert.match(text, /Configuration: missing/);
}));

test("before a migration every VM has its lights", () => open("#/migration", async (page) => {
    const list = await rows(page);
    const of = (name) => list.find((row) => row.name === name);
    assert.match(of("erp-legacy").overall, /not ready$/);
    assert.match(of("erp-legacy").disks, /^\S?1 missing/);
    assert.match(of("SQL01").snapshots, /link/);
    assert.match(of("TEST-ALT").config, /missing$/);
    await page.getByLabel("Only what is not ready").check();
    await eventually(async () => assert.ok((await rows(page)).every((row) => /(look first|not ready)$/.test(row.overall))));
}));

test("problems have a next step, the coverage its gaps", async () => {
    await open("#/problems", async (page) => {
        const text = await page.locator("main").innerText();
        assert.match(text, /ghost: 2[\s\S]*Next: find out whether the VM was deleted or moved/);
        assert.match(text, /duplicate-identity: 1/);
    });
    await open("#/coverage", async (page) => {
        const text = await page.locator("main").innerText();
        assert.equal((await page.getByRole("region", { name: /Empty folders/ }).innerText()).match(/vmfs02/g).length, 1, "a folder has its path once");
        for (const part of ["take new inventories", "inventory-govc", "esx01.lab.example", "identity", "alter-proxy"]) assert.ok(text.toLowerCase().includes(part.toLowerCase()), part);
    });
});

test("dark mode follows the system and the choice", async () => {
    const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await open("", async (page) => {
        await eventually(async () => assert.equal(await background(page), "rgb(16, 21, 28)"));
        await page.getByLabel("Colours", { exact: true }).selectOption("light");
        await eventually(async () => assert.equal(await background(page), "rgb(244, 245, 247)"));
    }, { colorScheme: "dark" });
    await open("#/list", async (page) => {
        await eventually(async () => assert.equal(await background(page), "rgb(244, 245, 247)"));
        await page.getByLabel("Colours", { exact: true }).selectOption("dark");
        await eventually(async () => assert.equal(await background(page), "rgb(16, 21, 28)"));
        await rows(page);
        const row = () => page.locator(".grid [role=row][row-index='0']").evaluate((row) => getComputedStyle(row).color);
        await eventually(async () => assert.equal(await row(), "rgb(230, 235, 242)", "the grid goes with it"));
    });
});

test("what is nobody's is found by its last known owner", () => open("#/list?level=files&owner=crm-alt", async (page) => {
    const list = await rows(page);
    assert.ok(list.some((row) => row.name === "crm-alt/crm-alt-flat.vmdk" && row.verdict === "orphaned"), JSON.stringify(list));
    await page.locator(".owner").fill("nobody of this name");
    await eventually(async () => assert.match(await found(page), /^0 files/));
}));

test("of a path that is too long the name stays in sight", () => open("#/list?q=ALT-CRM&verdict=orphaned", async (page) => {
    await rows(page);
    const names = await page.$$eval(".grid [row-index] .path .last", (spans) => spans.map((span) => ({ text: span.textContent, whole: span.scrollWidth <= span.clientWidth })));
    assert.ok(names.length >= 2 && names.every((name) => name.whole), JSON.stringify(names));
}, { viewport: { width: 1280, height: 900 } }));

test("nothing is cut at the edge of the paper", async () => {
    for (const view of ["", "#/list?verdict=orphaned", "#/list?level=files", "#/vms", "#/migration", "#/coverage", "#/problems", "#/file/134", "#/group/3", "#/vm/18"]) {
        await open(view, async (page) => {
            // A4 between its margins, at 96 dots an inch: lists lie on their side.
            await page.setViewportSize({ width: /^#\/(list|vms|migration)/.test(view) ? 1031 : 703, height: 700 });
            await page.emulateMedia({ media: "print" });
            await page.locator(".signature").first().waitFor();
            await assertFits(page, `${view} on paper`);
            const cut = await page.$$eval("main *", (all) => all.filter((one) => one.checkVisibility() && one.matches("table, .scroll, .card, pre") && one.scrollWidth > one.clientWidth + 1).map((one) => `${one.tagName} ${one.className}: ${one.scrollWidth} in ${one.clientWidth}`));
            assert.deepEqual(cut, [], view);
        });
    }
});

test("paper gets a place for a signature and the whole list", () => open("#/list?level=files&verdict=orphaned", async (page) => {
    await page.emulateMedia({ media: "print" });
    await page.locator(".signature").waitFor();
    await eventually(async () => assert.equal(await page.locator("main .print-only tbody tr").count(), 24));
    assert.ok(!(await page.locator(".top nav").isVisible()));
    assert.ok((await page.pdf()).length > 10_000);
}));

test("nothing sticks out of the page, wide or narrow", async () => {
    for (const width of [1440, 1024, 400]) {
        await open("", async (page) => {
            for (const view of VIEWS) {
                await page.evaluate((hash) => { location.hash = hash || "#/"; }, view);
                await page.locator("main").waitFor();
                await assertFits(page, `${view} at ${width}`);
            }
        }, { viewport: { width, height: 900 } });
    }
});

test("a link that leads nowhere says so", () => open("#/file/99999", async (page) => {
    assert.match(await page.locator("main").innerText(), /nothing of this name/);
}));
