// One browser and the page of a test in it. Whatever the page throws, logs as an error or asks for fails the test.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const FILE = pathToFileURL(process.env.DERELICT_PAGE).href;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let browser;
before(async () => { browser = await chromium.launch({ executablePath: process.env.DERELICT_CHROMIUM, args: FLAGS }); });
after(() => browser?.close());

/** Opens the page at a view and calls `use` with it. */
export async function open(hash, use, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(`error: ${error.stack}`));
    page.on("console", (message) => { if (["error", "warning"].includes(message.type())) wrong.push(`console: ${message.text()}`); });
    page.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (request) => { if (request.url().split("#")[0] !== FILE && !request.url().startsWith("blob:") && !request.url().startsWith("data:")) wrong.push(`request: ${request.url()}`); });
    await page.goto(FILE + hash);
    await firstView(page);
    await use(page);
    assert.deepEqual(wrong, []);
    await context.close();
}

export async function firstView(page) {
    await page.waitForFunction(() => performance.getEntriesByName("derelict-first-view").length > 0);
}

/** The rows of the grid that are drawn, cell by cell. */
export async function rows(page) {
    await page.locator(".grid [role=row][row-index='0'] .cell").first().waitFor();
    return page.$$eval(".grid [role=row][row-index]", (rows) => rows
        .sort((a, b) => a.getAttribute("row-index") - b.getAttribute("row-index"))
        .map((row) => Object.fromEntries([...row.querySelectorAll("[role=gridcell]")].map((cell) => [cell.getAttribute("col-id"), cell.textContent]))));
}

/** The page answers a click in its next frame: what is claimed has to come true, and soon. */
export async function eventually(claim) {
    for (let tries = 0; ; tries++) {
        try {
            return await claim();
        } catch (error) {
            if (tries === 200) throw error;
            await new Promise((done) => setTimeout(done, 50));
        }
    }
}

export const found = (page) => page.locator(".found").innerText();

/** Chooses in the menu of a facet. */
export async function choose(page, facet, value) {
    await page.locator("summary", { hasText: new RegExp(`^${facet}`) }).click();
    await page.locator("details[open] label", { hasText: value }).first().click();
    await page.keyboard.press("Escape");
}

/** Whether something sticks out of the page at its side. */
export async function assertFits(page, what) {
    const { inner, outer } = await page.evaluate(() => ({ inner: document.documentElement.scrollWidth, outer: document.documentElement.clientWidth }));
    assert.ok(inner <= outer, `${what}: ${inner} pixels in ${outer}`);
}

export async function saved(page, click) {
    const [download] = await Promise.all([page.waitForEvent("download"), click()]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    return { name: download.suggestedFilename(), text: Buffer.concat(chunks).toString("utf8") };
}
