// Pictures for the README: `npm run pictures -- REPORT.html [FOLDER]`, of a page of the sample sites.
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [page, folder = "../../../../docs/pictures"] = process.argv.slice(2);
const PICTURES = [
    ["overview-light", "#/", "light", 1000], ["overview-dark", "#/", "dark", 1000],
    ["list-light", "#/list?verdict=orphaned&verdict=unregistered", "light", 720], ["list-dark", "#/list?verdict=orphaned&verdict=unregistered", "dark", 720],
    ["detail-light", "#/list?level=files&q=golden-ubuntu-flat", "light", 1120], ["detail-dark", "#/list?level=files&q=db01-000007.vmdk", "dark", 1000],
    ["migration-light", "#/migration", "light", 720],
];
const browser = await chromium.launch({ executablePath: process.env.DERELICT_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
mkdirSync(folder, { recursive: true });
for (const [name, view, colorScheme, height] of PICTURES) {
    const context = await browser.newContext({ viewport: { width: 1280, height }, colorScheme });
    const tab = await context.newPage();
    await tab.goto(pathToFileURL(resolve(page)).href + view);
    if (name.startsWith("detail")) {
        await tab.locator(".grid a.cell").first().click();
        await tab.locator(".chain").waitFor();
    } else if (view !== "#/") await tab.locator(".grid .cell").first().waitFor();
    await tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100))));
    await tab.screenshot({ path: join(folder, `${name}.png`) });
    await context.close();
}
await browser.close();
