/* The sidecar as a running daemon for the tests of its page: files, configuration, states. */
import { spawn, execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";

const PATIENCE_MS = 20000;
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

export class Sidecar {
    /* program: the daemon and, before it, what it is run by. */
    constructor(program) {
        this.program = program;
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
        const log = fs.openSync(this.file("log"), "w");
        this.child = spawn(this.program[0], this.program.slice(1), { env, stdio: ["ignore", log, log] });
        fs.closeSync(log);
        children.add(this.child);
        this.ended = new Promise((resolve) => this.child.on("exit", resolve));
        this.ended.then(() => children.delete(this.child));
        await until("the sidecar answers", () => this.get("/health/self/").then((answer) => answer.status === 200, () => false));
    }

    /* Its clock runs so fast that a client has 80 ms to make itself heard: then it may try again. */
    get triesLeft() {
        return this.program.length > 1 ? 5 : 0;
    }

    /* What a client with these headers gets: status, headers, body. */
    async get(where = "/health/", headers = {}) {
        for (let left = this.triesLeft; ; left--) {
            try {
                return await this.getOnce(where, headers);
            } catch (error) {
                if (left <= 0) throw error;
            }
        }
    }

    getOnce(where, headers) {
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
