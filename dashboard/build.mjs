// Bundles the dashboard and writes it as one C++ source: node build.mjs OUTPUT.cpp
// The same sources and packages give the same bytes; the names of the files hold a digest of their content.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const output = process.argv[2];
if (!output) throw new Error("usage: node build.mjs OUTPUT.cpp");

// What is compiled in travels with its licence.
const licence = readFileSync("node_modules/preact/LICENSE", "utf8").trim();

async function bundled(entry, options = {}) {
    const result = await build({
        entryPoints: [entry],
        bundle: true,
        minify: true,
        write: false,
        target: "es2020",
        legalComments: "none",
        logLevel: "warning",
        ...options,
    });
    return result.outputFiles[0].text;
}

function named(name, extension, contentType, body) {
    const digest = createHash("sha256").update(body).digest("hex").slice(0, 12);
    return { path: `/assets/${name}-${digest}.${extension}`, contentType, body };
}

const script = named(
    "dashboard",
    "js",
    "text/javascript; charset=utf-8",
    await bundled("src/main.tsx", {
        format: "esm",
        jsx: "automatic",
        jsxImportSource: "preact",
        banner: { js: `/*! Holds Preact.\n\n${licence}\n*/` },
    }),
);
const style = named("dashboard", "css", "text/css; charset=utf-8", await bundled("style.css"));
const icon = named("icon", "svg", "image/svg+xml", readFileSync("icon.svg", "utf8"));
const page = readFileSync("page.html", "utf8")
    .replace("SCRIPT", script.path)
    .replace("STYLE", style.path)
    .replace("ICON", icon.path);

function literal(text) {
    const mark = "dashboard";
    if (text.includes(`)${mark}"`)) throw new Error("the text holds the end of a raw string");
    return `R"${mark}(${text})${mark}"`;
}

const assets = [script, style, icon]
    .map((asset) => `    {${literal(asset.path)}, ${literal(asset.contentType)}, ${literal(asset.body)}},\n`)
    .join("");
writeFileSync(
    output,
    `// Written by dashboard/build.mjs.
#include "orchestrator/api/dashboard_assets.hpp"

namespace ordersaga::api {

namespace {

constexpr DashboardAsset assets[] = {
${assets}};

}  // namespace

std::string_view dashboard_page() {
    return ${literal(page)};
}

std::span<const DashboardAsset> dashboard_assets() {
    return assets;
}

}  // namespace ordersaga::api
`,
);
