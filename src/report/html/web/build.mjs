// Builds dist/report.html, the page without data, from src/. With --check it only compares with what is in git.
//
// The page is one file: style and program are inline, and its policy admits exactly these two by their hashes (and the
// styles of the grid by a nonce). Nothing in it names a time, a machine or a path, so the same sources give the same bytes.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "dist/report.html");
const read = (path) => readFileSync(join(here, path), "utf8");
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

// What is bundled is in every report, and so are its licences.
function licences() {
    const lock = JSON.parse(read("package-lock.json"));
    const bundled = Object.entries(lock.packages).filter(([path, entry]) => path && !entry.dev && !path.includes("ag-charts-types"));
    return bundled.map(([path, entry]) => {
        const file = ["LICENSE", "LICENSE.txt", "LICENSE.md"].map((name) => join(path, name)).find((name) => existsSync(join(here, name)));
        const name = path.replace(/^.*node_modules\//, "");
        return { name, version: entry.version, licence: entry.license, text: file ? read(file).trim() : "" };
    });
}

async function bundle(entry, options) {
    const result = await build({
        absWorkingDir: here, entryPoints: [entry], bundle: true, write: false, minify: true, target: ["es2022"],
        legalComments: "none", charset: "utf8", ...options,
    });
    return result.outputFiles[0].text.trim();
}

const program = (await bundle("src/main.tsx", {
    format: "iife", jsx: "automatic", jsxImportSource: "preact",
    define: { LICENCES: JSON.stringify(licences()), "process.env.NODE_ENV": '"production"' },
})).replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
const style = await bundle("src/style.css", { loader: { ".css": "css" } });
const policy = [
    "default-src 'none'", `script-src ${hash(program)}`, `style-src ${hash(style)} 'nonce-derelict'`, "img-src data:",
    "base-uri 'none'", "form-action 'none'",
].join("; ");
const page = read("src/page.html")
    .replace("POLICY", () => policy)
    .replace("STYLE", () => style)
    .replace("PROGRAM", () => program);

if (!process.argv.includes("--check")) {
    writeFileSync(target, page);
    console.log(`dist/report.html: ${Math.round(page.length / 1024)} KiB`);
} else if (!existsSync(target) || readFileSync(target, "utf8") !== page) {
    console.error("dist/report.html is not what its sources give: run `npm run build` and commit it");
    process.exit(1);
}
