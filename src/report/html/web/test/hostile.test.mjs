import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFits, open, rows, saved } from "./browser.mjs";

/** Nothing of a name became an element, and nothing of it ran. */
async function assertInert(page, view) {
    const state = await page.evaluate(() => ({
        pwned: window.pwned,
        elements: document.querySelectorAll("#page img, #page script, #page iframe, #page object, #page svg[onload], #page b b, #page [onerror]").length,
        links: [...document.querySelectorAll("a[href]")].map((link) => link.getAttribute("href")).filter((href) => !href.startsWith("#")),
        control: /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(document.body.innerText),
    }));
    assert.deepEqual(state, { pwned: undefined, elements: 0, links: [], control: false }, view);
}

test("every view shows the names and obeys none", () => open("", async (page) => {
    await assertInert(page, "overview");
    const look = async (view) => {
        await page.evaluate((hash) => { location.hash = hash; }, view);
        await page.locator("main").waitFor();
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
        await assertInert(page, view);
        await assertFits(page, view);
    };
    for (const view of ["#/list", "#/list?level=files", "#/vms", "#/migration", "#/problems", "#/coverage", "#/about"]) await look(view);
    for (const [kind, least] of [["file", 18], ["group", 9], ["vm", 2]]) {
        let place = 0;
        for (; ; place++) {
            await look(`#/${kind}/${place}`);
            if (await page.getByText("There is nothing of this name").count()) break;
        }
        assert.ok(place >= least, `${place} of ${kind}`);
    }
}));

test("names are shown as they are written", async () => {
    await open("#/list?level=files&q=onerror", async (page) => {
        const list = await rows(page);
        assert.ok(list.some((row) => row.name.includes("<img src=x onerror=window.pwned=1>")), JSON.stringify(list));
        assert.equal(list[0].datastore, "<b>ds</b>");
    });
    await open("#/list?level=files&q=gpj.exe", async (page) => {
        const [row] = await rows(page);
        assert.match(row.name, /\\u\{202e\}gpj\.exe\\u\{2066\}\\u\{1b\}\[31m\\u\{a\}/, "control and direction are shown, not obeyed");
    });
    await open("#/vms", async (page) => {
        const names = (await rows(page)).map((row) => row.name);
        assert.ok(names.includes("</script><script>window.pwned=1</script><!--"), names.join());
    });
});

test("an address is text as well", () => open("#/list?q=%3Cimg%20src=x%20onerror=window.pwned=1%3E&datastore=%3Cscript%3E&owner=%22%3E", async (page) => {
    await assertInert(page, "address");
}));

test("long and right-to-left names break no layout", async () => {
    for (const width of [1440, 400]) {
        await open("", async (page) => {
            for (const view of ["#/", "#/list?q=long-", "#/list?level=files", "#/vms", "#/migration", "#/file/10", "#/file/11", "#/group/5"]) {
                await page.evaluate((hash) => { location.hash = hash; }, view);
                await page.locator("main").waitFor();
                await assertFits(page, `${view} at ${width}`);
            }
        }, { viewport: { width, height: 900 } });
    }
    await open("#/list?q=long-", async (page) => {
        const heights = await page.$$eval(".grid [role=row][row-index]", (rows) => rows.map((row) => row.getBoundingClientRect().height));
        assert.ok(heights.every((height) => height < 40), "a row keeps its height");
    });
});

test("a saved CSV holds no formula", () => open("#/list?level=files", async (page) => {
    await rows(page);
    await page.getByRole("button", { name: "Select all found" }).click();
    const { text } = await saved(page, () => page.getByRole("button", { name: "Save as CSV" }).click());
    assert.ok(text.includes("HYPERLINK"));
    const fields = text.split(/\r\n|,(?=(?:[^"]*"[^"]*")*[^"]*$)/).map((field) => field.replace(/^"/, ""));
    assert.deepEqual(fields.filter((field) => /^\s*[=+\-@\t]/.test(field)), []);
}));
