/* The sidecar as a running daemon for the tests of its page: files, configuration, states. */
import { spawn, execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";

const PATIENCE_MS = 60000;
const children = new Set();

/* Ends whatever a test left running. */
export function killAll() {
    for (const child of children) child.kill("SIGKILL");
}

/* Waits for the thing, with a deadline. */
export async function until(what, isTrue) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
        const value = await isTrue();
        if (value) return value;
        if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

function freePort() {
    return new Promise((resolve) => {
        const server = net.createServer().listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

/* A server that takes connections and says nothing. */
export function silentServer() {
    return new Promise((resolve) => {
        const server = net.createServer(() => {}).listen(0, "127.0.0.1", () => resolve(server));
        server.unref();
    });
}

/* libfaketime, wherever this architecture has it. */
function clockLibrary() {
    const found = fs.globSync ? fs.globSync("/usr/lib/*/faketime/libfaketime.so.1") : [];
    const guesses = [...found, ...["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)];
    const library = guesses.find((guess) => fs.existsSync(guess));
    if (!library) throw new Error("there is no libfaketime here: apt-get install faketime");
    return library;
}

export class Sidecar {
    /* hasClock: its time can be moved on (skip). Between two moves it runs as fast as ours, so that nothing depends on how
     * fast this machine is. */
    constructor(program, { hasClock = false } = {}) {
        this.program = program;
        this.hasClock = hasClock;
        this.skipped = 0;
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), "bh-ui-"));
        for (const [file, source] of [["db.sqlite3", "default.sql"], ["snappea.sqlite3", "snappea.sql"]])
            execFileSync("sqlite3", [this.file(file)], { input: fs.readFileSync(`config/demo/${source}`), stdio: ["pipe", "ignore", "inherit"] });
        fs.copyFileSync("config/demo/bugsink_conf.py", this.file("bugsink_conf.py"));
    }

    file(name) {
        return path.join(this.dir, name);
    }

    sql(name, statement) {
        execFileSync("sqlite3", [this.file(name), statement], { stdio: ["ignore", "ignore", "inherit"] });
    }

    /* config: beside the two databases and the settings, which every state has. */
    async start(config = {}) {
        const databases = {
            default: { dsn: this.file("db.sqlite3"), role: "main" },
            snappea: { dsn: this.file("snappea.sqlite3"), role: "queue" },
            ...config.databases,
        };
        fs.writeFileSync(this.file("config.json"), JSON.stringify({
            interval: "1s", timeout: "900ms", retry_interval: "200ms", slow: "900ms", drain: "1m", version: "2.3.0",
            settings: { path: this.file("bugsink_conf.py"), format: "python" },
            ...config, databases,
        }));
        this.port = await freePort();
        this.url = `http://127.0.0.1:${this.port}/health/`;
        const env = { PATH: process.env.PATH, BUGSINK_HEALTH_LISTEN: `127.0.0.1:${this.port}`, BUGSINK_HEALTH_CONFIG: this.file("config.json") };
        if (this.hasClock) {
            /* Shut in, no process could read the file that says what time it is. */
            Object.assign(env, { LD_PRELOAD: clockLibrary(), FAKETIME_TIMESTAMP_FILE: this.file("clock"), FAKETIME_NO_CACHE: "1", BUGSINK_HEALTH_SANDBOX: "off" });
            this.setClock();
        }
        const log = fs.openSync(this.file("log"), "w");
        this.child = spawn(this.program, [], { env, stdio: ["ignore", log, log] });
        fs.closeSync(log);
        children.add(this.child);
        this.ended = new Promise((resolve) => this.child.on("exit", resolve));
        this.ended.then(() => children.delete(this.child));
        await until("the sidecar answers", () => this.get("/health/self/").then((answer) => answer.status === 200, () => false));
    }

    /* In one step, for it is read at any time. */
    setClock() {
        fs.writeFileSync(this.file("clock.new"), `+${this.skipped}\n`);
        fs.renameSync(this.file("clock.new"), this.file("clock"));
    }

    /* Moves its time on, and waits until every check has run in the new time, and it answers so. */
    async skip(minutes) {
        const before = Date.parse((await this.json()).checked_at);
        this.skipped += 60 * minutes;
        this.setClock();
        await this.untilJson(`${minutes} minutes later`, (json) => Date.parse(json.checked_at) >= before + 60000 * minutes && json.code === undefined);
    }

    /* What a client with these headers gets: status, headers, body. */
    get(where = "/health/", headers = {}) {
        return new Promise((resolve, reject) => {
            http.get({ host: "127.0.0.1", port: this.port, path: where, headers, agent: false }, (answer) => {
                let body = "";
                answer.setEncoding("utf8").on("data", (text) => (body += text));
                answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body }));
            }).on("error", reject);
        });
    }

    async json() {
        return JSON.parse((await this.get()).body);
    }

    untilJson(what, isTrue) {
        return until(what, async () => isTrue(await this.json()));
    }

    signal(name) {
        this.child.kill(name);
    }

    async stop() {
        this.signal("SIGCONT");
        this.signal("SIGINT");
        await this.ended;
        fs.rmSync(this.dir, { recursive: true });
    }
}
