// Quick enough? The numbers are printed, and stand in the README beside package.json; a test of them would test the machine.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";
import { choose, eventually, found, open, rows } from "./browser.mjs";

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

test("a hundred thousand artifacts", async () => {
    const measured = { "file, MB": statSync(process.env.DERELICT_PAGE).size / 1e6 };
    const first = [];
    for (let run = 0; run < 5; run++) {
        await open("", async (page) => first.push(await page.evaluate(() => performance.getEntriesByName("derelict-first-view")[0].startTime)));
    }
    measured["first view, ms"] = median(first);

    await open("#/list?level=files", async (page) => {
        await rows(page);
        assert.match(await found(page), /^100,\d+ files/);
        // From the event to the next frame, in which the new rows stand.
        const typed = async (text) => {
            const before = await found(page);
            const time = await page.evaluate((text) => new Promise((done) => {
                const search = document.querySelector(".search");
                const start = performance.now();
                search.value = text;
                search.dispatchEvent(new Event("input", { bubbles: true }));
                requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
            }), text);
            assert.notEqual(await found(page), before, `${text} is found at once`);
            return time;
        };
        const times = [];
        for (const text of ["c", "cr", "crm", "crm-alt", "crm-alt 17", "flat", "site-300 vmdk", "nothing like it", "vhdx"]) times.push(await typed(text));
        measured["search, ms, median"] = median(times);
        measured["search, ms, most"] = Math.max(...times);
        await page.getByRole("link", { name: "Clear", exact: true }).click();

        const chosen = [];
        for (const verdict of ["orphaned", "unregistered", "owned"]) {
            await page.locator("summary", { hasText: /^Verdict/ }).click();
            chosen.push(await page.evaluate((verdict) => new Promise((done) => {
                const label = [...document.querySelectorAll("details[open] label")].find((label) => label.textContent.startsWith(verdict));
                const start = performance.now();
                label.querySelector("input").click();
                requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
            }), verdict));
            await page.keyboard.press("Escape");
        }
        measured["filter by verdict, ms, median"] = median(chosen);
        assert.ok((await rows(page)).length > 10);
        await page.locator(".ag-header-cell", { hasText: "File" }).click();
        await eventually(async () => assert.match((await rows(page))[0].name, /^site-000/));
    });

    await open("#/list?verdict=orphaned", async (page) => {
        assert.match(await found(page), /^[\d,]+ groups/);
        await choose(page, "Confidence", "high");
        await rows(page);
        const start = Date.now();
        await page.locator(".grid a.cell").first().click();
        await page.locator(".reasons").first().waitFor();
        measured["open a group, ms"] = Date.now() - start;
    });
    await open("#/file/54321", async (page) => {
        assert.ok((await page.locator("h1").innerText()).length > 0);
        await page.getByText("For this verdict").waitFor();
    });
    for (const [name, value] of Object.entries(measured)) console.log(`${name}: ${Math.round(value * 10) / 10}`);
});
