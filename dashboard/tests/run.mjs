// Runs the dashboard's tests with node's own runner and writes the report that tools/run_tests counts.
// Names are claims, "Suite.Claim", and GTEST_FILTER and GTEST_OUTPUT are understood as by every other test program.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "node:test";
import { build } from "esbuild";

const program = "unit_dashboard";
const out = resolve("tests-out");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const names = readdirSync("tests").filter((name) => /\.test\.tsx?$/.test(name));
await build({
    entryPoints: names.map((name) => join("tests", name)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node18",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "warning",
});

const cases = [];
const claim = /^[A-Z]\w*\.[A-Z]\w*$/;
function note(data, error) {
    if (claim.test(data.name)) {
        cases.push({ name: data.name, error });
    } else if (error && !cases.some((one) => one.error)) {
        // A file that could not even be loaded.
        cases.push({ name: "Files.Load", error });
    }
}
function reason(data) {
    const error = data.details?.error;
    return String(error?.cause?.stack ?? error?.cause ?? error?.message ?? "failed");
}

// A run under node's own runner would make a nested one do nothing.
delete process.env.NODE_TEST_CONTEXT;
const files = readdirSync(out).filter((name) => name.endsWith(".test.mjs")).map((name) => join(out, name));
await new Promise((done) => {
    const stream = run({ files, concurrency: true });
    stream.on("test:pass", (data) => note(data, null));
    stream.on("test:fail", (data) => note(data, reason(data)));
    stream.on("end", done);
    stream.resume();
});

const escaped = (text) =>
    text
        .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;")
        .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "").replace(/\n/g, "&#x0A;");
const failed = cases.filter((one) => one.error);
for (const { name, error } of cases) console.log(error ? `[  FAILED  ] ${name}\n${error}` : `[       OK ] ${name}`);
console.log(`${cases.length - failed.length} of ${cases.length} passed`);

const output = process.env.GTEST_OUTPUT?.replace(/^xml:/, "");
if (output) {
    const lines = cases.map(({ name, error }) => {
        const [suite, what] = name.split(".");
        const head = `    <testcase name="${what}" status="run" result="completed" classname="${suite}"`;
        if (!error) return `${head} />\n`;
        return `${head}>\n      <failure message="${escaped(error.slice(0, 4000))}" type=""></failure>\n    </testcase>\n`;
    });
    const counts = `tests="${cases.length}" failures="${failed.length}" disabled="0"`;
    writeFileSync(
        output.endsWith("/") ? `${output}${program}.xml` : output,
        `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts} errors="0" name="AllTests">\n` +
            `  <testsuite name="${program}" ${counts} skipped="0" errors="0">\n${lines.join("")}  </testsuite>\n</testsuites>\n`,
    );
}
process.exitCode = failed.length > 0 || (cases.length === 0 && !process.env.GTEST_FILTER) ? 1 : 0;
