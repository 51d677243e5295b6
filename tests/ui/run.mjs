/* Opens the status page in headless Chromium, in every state, dark and light, on a phone and on a desk: what
 * stands there, what the console says, what is fetched, what axe-core finds. Pictures go to BUILD/ui/.
 *
 *     node run.mjs BUILD NODE_MODULES CHROMIUM [STATE...]     from the project's directory */
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { Sidecar, killAll } from "./sidecar.mjs";
import { STATES } from "./states.mjs";

const [build, modules, browserPath, ...wanted] = process.argv.slice(2);
const require = createRequire(path.resolve(modules, "x.js"));
const { chromium } = require("playwright-core");
const axeSource = fs.readFileSync(require.resolve("axe-core"), "utf8");

const SCHEMES = ["light", "dark"];
const WIDTHS = [360, 1280];
const LIMIT_MS = 900000;
const REFRESH_MS = 10000;

let passed = 0;
let failed = 0;

function expect(what, isTrue, detail = "") {
    if (isTrue) {
        passed++;
    } else {
        failed++;
        console.log(`FAILED ${what}${detail ? `: ${detail}` : ""}`);
    }
}

/* A context whose page notes what it fetches and what its console says. */
async function open(browser, options) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const noted = { complaints: [], requests: [] };
    page.on("console", (message) => {
        /* Chromium says of every document with a status of 400 and more that it could not be loaded. */
        const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of 503");
        if (["error", "warning"].includes(message.type()) && !(isStatus && message.location().url === page.url()))
            noted.complaints.push(message.text());
    });
    page.on("pageerror", (error) => noted.complaints.push(String(error)));
    page.on("request", (request) => request.url().startsWith("data:") || noted.requests.push(request.url()));
    return { context, page, noted };
}

/* The page looks again every ten seconds: what was begun before that is begun anew. */
async function evaluate(page, url, script) {
    for (let tries = 0; ; tries++) {
        try {
            return await page.evaluate(script);
        } catch (error) {
            if (tries === 2) throw error;
            await page.goto(url);
        }
    }
}

/* -- what must hold in each state -- */

function violationsOf(result) {
    return result.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html).join(" ").slice(0, 300)}`).join("; ");
}

/* Runs in the browser. */
async function examine(source) {
    if (!window.axe) window.eval(source);
    const axe = await window.axe.run(document, { resultTypes: ["violations"], preload: false });
    const box = document.documentElement;
    return {
        axe,
        heading: document.querySelector("h1").textContent,
        title: document.title,
        text: document.body.innerText,
        scrolls: box.scrollWidth > box.clientWidth,
        background: getComputedStyle(document.body).backgroundColor,
        rows: [...document.querySelectorAll("li.check")].map((row) => ({
            text: row.textContent,
            word: row.querySelector(".state").textContent,
            shape: row.querySelector(".state use").getAttribute("href"),
            hasHour: row.querySelector("figure svg[role=img] rect") !== null,
        })),
    };
}

/* What the machines are told is what people read. */
function expectAgreement(view, rows, json) {
    for (const [name, check] of Object.entries(json.checks)) {
        const row = rows.find((candidate) => candidate.text.includes(name));
        expect(`${view}: a row for ${name}`, row !== undefined);
        if (!row) continue;
        expect(`${view}: ${name}: word, shape and code`, row.word === check.status && row.shape === `#${check.status}` && row.text.includes(check.code), row.text);
        expect(`${view}: ${name}: sentence and hint`, row.text.includes(check.message) && row.text.includes(check.hint ?? ""), row.text);
        expect(`${view}: ${name}: its last hour`, row.hasHour);
    }
    expect(`${view}: no other row`, rows.length === Object.keys(json.checks).length);
}

async function look(browser, sidecar, state, scheme, width) {
    const view = `${state.name}, ${scheme}, ${width} px`;
    const { context, page, noted } = await open(browser, { colorScheme: scheme, viewport: { width, height: 900 }, deviceScaleFactor: 1 });
    const response = await page.goto(sidecar.url);
    expect(`${view}: status`, response.status() === state.status, response.status());
    expect(`${view}: policy`, (response.headers()["content-security-policy"] ?? "").startsWith("default-src 'none'; style-src 'sha256-"));
    const picture = path.join(build, "ui", `${state.name}-${scheme}-${width}.png`);
    await page.screenshot({ path: picture, fullPage: true });
    const complaints = [...noted.complaints], requests = [...noted.requests];
    const seen = await evaluate(page, sidecar.url, `(${examine})(${JSON.stringify(axeSource)})`);
    expect(`${view}: heading`, seen.heading === state.heading && seen.title.startsWith(state.heading), seen.heading);
    for (const text of state.texts) expect(`${view}: says "${text}"`, seen.text.includes(text), seen.text);
    expect(`${view}: no sideways scrolling`, !seen.scrolls);
    const isDark = Number(/\d+/.exec(seen.background)[0]) < 128;
    expect(`${view}: ${scheme}`, isDark === (scheme === "dark"), seen.background);
    expect(`${view}: axe`, seen.axe.violations.length === 0 && seen.axe.passes.length > 10, violationsOf(seen.axe));
    if (!state.isNotice) expectAgreement(view, seen.rows, await sidecar.json());
    expect(`${view}: console`, complaints.length === 0, complaints.join("; "));
    expect(`${view}: one request`, requests.length === 1 && requests[0] === sidecar.url, requests.join(" "));
    await context.close();
}

/* -- what must hold once -- */

async function expectRefresh(browser, sidecar) {
    const { context, page } = await open(browser, { javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
    await page.goto(sidecar.url);
    expect("without script: ready", (await page.textContent("h1")) === "Ready");
    fs.renameSync(sidecar.file("db.sqlite3"), sidecar.file("away"));
    await page.waitForResponse((response) => response.status() === 503, { timeout: 2 * REFRESH_MS });
    await page.waitForLoadState();
    expect("without script: it looks again by itself", (await page.textContent("h1")) === "Not ready");
    fs.renameSync(sidecar.file("away"), sidecar.file("db.sqlite3"));
    await page.waitForResponse((response) => response.status() === 200, { timeout: 2 * REFRESH_MS });
    await page.waitForLoadState();
    expect("without script: from a failure too", (await page.textContent("h1")) === "Ready");
    await context.close();
}

/* Runs in the browser: what an injection would try. */
async function attack() {
    const blocked = new Set();
    document.addEventListener("securitypolicyviolation", (event) => blocked.add(event.effectiveDirective));
    const add = (name, members) => document.body.append(Object.assign(document.createElement(name), members));
    add("script", { textContent: "window.isHit = true" });
    add("img", { src: "/favicon.ico" });
    add("style", { textContent: "body{display:none}" });
    add("iframe", { src: "/health/ready/" });
    await fetch("/health/ready/").catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { isHit: window.isHit === true, isHidden: getComputedStyle(document.body).display === "none", blocked: [...blocked] };
}

async function expectPolicy(browser, sidecar) {
    const { context, page } = await open(browser, {});
    await page.goto(sidecar.url);
    const result = await evaluate(page, sidecar.url, attack);
    expect("policy: no script, no style", !result.isHit && !result.isHidden);
    for (const directive of ["script-src-elem", "img-src", "style-src-elem", "frame-src", "connect-src"])
        expect(`policy: ${directive}`, result.blocked.includes(directive), result.blocked.join(" "));
    await context.close();
}

async function expectWithoutColours(browser, sidecar) {
    const { context, page } = await open(browser, { forcedColors: "active", viewport: { width: 1280, height: 900 } });
    await page.goto(sidecar.url);
    await page.screenshot({ path: path.join(build, "ui", "error-forced-colours.png"), fullPage: true });
    const heights = await evaluate(page, sidecar.url, () =>
        [...document.querySelectorAll(".legend rect")].map((bar) => bar.getBoundingClientRect().height));
    expect("without colours: each state has its height", new Set(heights).size === 4, heights.join(" "));
    await context.close();
}

async function expectNegotiation(sidecar) {
    const kinds = { "*/*": "application/json", "text/html": "text/html; charset=utf-8", "text/html;q=0.5, */*": "application/json" };
    for (const [accept, type] of Object.entries(kinds)) {
        const answer = await sidecar.get("/health/", { accept });
        expect(`Accept: ${accept}`, answer.headers["content-type"] === type && answer.headers.vary === "Accept", answer.headers["content-type"]);
    }
}

const ONCE = { ok: [expectRefresh, expectPolicy], error: [expectWithoutColours] };

/* -- all of it -- */

async function enter(state) {
    const sidecar = new Sidecar(path.join(build, "bugsink-health"), { hasClock: state.hasClock });
    await state.enter(sidecar);
    return sidecar;
}

async function run(browser, states) {
    /* The one that needs an hour gets it while the others are looked at. */
    const slow = new Map(states.filter((state) => state.hasClock).map((state) => [state, enter(state)]));
    for (const promise of slow.values()) promise.catch(() => {});
    for (const state of states) {
        const sidecar = await (slow.get(state) ?? enter(state));
        for (const scheme of SCHEMES) for (const width of WIDTHS) await look(browser, sidecar, state, scheme, width);
        for (const once of ONCE[state.name] ?? []) await once(browser, sidecar);
        if (state.name === "ok") await expectNegotiation(sidecar);
        await sidecar.stop();
    }
}

async function main() {
    const states = STATES.filter((state) => wanted.length === 0 || wanted.includes(state.name));
    fs.mkdirSync(path.join(build, "ui"), { recursive: true });
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), "bh-ui-profile-"));
    /* --headless, --no-first-run and a profile of its own come with playwright. */
    const browser = await chromium.launch({
        executablePath: browserPath,
        env: { ...process.env, HOME: profile },
        args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    try {
        await run(browser, states);
    } catch (error) {
        expect("the tests run to their end", false, error.stack);
    }
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
}

const watchdog = setTimeout(() => {
    console.log(`FAILED: not done after ${LIMIT_MS / 1000} s`);
    killAll();
    process.exit(1);
}, LIMIT_MS);
watchdog.unref();
process.on("exit", killAll);
await main();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
