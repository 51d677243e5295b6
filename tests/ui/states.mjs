/* The states in which the page is looked at: how each is brought about, and what must stand there then. */
import fs from "node:fs";
import { silentServer } from "./sidecar.mjs";

const LONG_NAME = "an_archive_whose_name_is_as_long_as_a_name_may_be_63_characters";

/* hasClock of a state: its sidecar's time can be moved on. */
export const STATES = [
    {
        name: "ok",
        status: 200,
        heading: "Ready",
        texts: ["All checks passed.", "The check passed.", "2.3.0"],
        async enter(sidecar) {
            await sidecar.start();
            await sidecar.untilJson("all is ok", (json) => json.status === "ok" && json.started);
        },
    },
    {
        name: "degraded",
        status: 200,
        heading: "Ready, but degraded",
        texts: ["file_missing", "backlog", "not critical", LONG_NAME, "1 task, 5 min old (limits: 1 min, 300 tasks)"],
        async enter(sidecar) {
            await sidecar.start({ databases: { [LONG_NAME]: { dsn: sidecar.file("nosuch.sqlite3"), critical: false } } });
            sidecar.sql("snappea.sqlite3", "INSERT INTO snappea_task (created_at, task_name, args, kwargs) VALUES (datetime('now', '-5 minutes'), 'x', '[]', '{}')");
            await sidecar.untilJson("a backlog", (json) => json.status === "degraded" && json.degraded.length === 2);
        },
    },
    {
        name: "error",
        status: 503,
        heading: "Not ready",
        texts: ["1 of 3 checks fails: default (file_missing for ", "file_missing", "Last well", "times in a row", "If it is lost, stop Bugsink and restore it", "Last changes"],
        async enter(sidecar) {
            await sidecar.start();
            await sidecar.untilJson("all is ok", (json) => json.status === "ok");
            fs.renameSync(sidecar.file("db.sqlite3"), sidecar.file("away"));
            await sidecar.untilJson("it fails", (json) => json.failed.includes("default") && json.checks.default.consecutive_failures > 1);
        },
    },
    {
        name: "starting",
        status: 503,
        heading: "Not ready yet: starting",
        texts: ["1 of 4 checks has no result yet: silent.", "No run of this check has finished yet.", "never", "not known"],
        async enter(sidecar) {
            const server = await silentServer();
            const dsn = `postgresql://u@127.0.0.1:${server.address().port}/d`;
            await sidecar.start({ interval: "120s", timeout: "100s", slow: "100s", databases: { silent: { dsn } } });
            await sidecar.untilJson("the others have run", (json) =>
                Object.values(json.checks).filter((check) => check.status === "ok").length === 3);
        },
    },
    {
        name: "draining",
        status: 503,
        heading: "Not ready: draining",
        texts: ["The sidecar is shutting down."],
        async enter(sidecar) {
            await sidecar.start();
            await sidecar.untilJson("all is ok", (json) => json.status === "ok");
            sidecar.signal("SIGTERM");
            await sidecar.untilJson("it drains", (json) => json.draining);
        },
    },
    {
        name: "maintenance",
        status: 503,
        heading: "Not ready: maintenance",
        texts: ["Remove the maintenance file"],
        async enter(sidecar) {
            fs.writeFileSync(sidecar.file("maintenance"), "");
            await sidecar.start({ maintenance: sidecar.file("maintenance") });
            await sidecar.untilJson("all has run", (json) => json.started && json.code === "maintenance");
        },
    },
    {
        name: "stale",
        status: 503,
        heading: "Not ready: stale",
        isNotice: true,
        texts: ["The checking process has stopped reporting"],
        async enter(sidecar) {
            await sidecar.start();
            await sidecar.untilJson("all is ok", (json) => json.status === "ok");
            sidecar.signal("SIGSTOP");
            await sidecar.untilJson("its lease is over", (json) => json.code === "stale");
        },
    },
    {
        name: "hour",
        hasClock: true,
        status: 503,
        heading: "Not ready",
        texts: ["file_missing", "1 of 3 checks fails: default (file_missing for ", "Last changes"],
        async enter(sidecar) {
            await sidecar.start();
            await sidecar.untilJson("all is ok", (json) => json.status === "ok");
            for (const minutes of [1, 3, 5, 7]) {
                await sidecar.skip(4 * minutes - 2);
                fs.renameSync(sidecar.file("db.sqlite3"), sidecar.file("away"));
                await sidecar.untilJson("it fails", (json) => json.failed.includes("default"));
                await sidecar.skip(minutes);
                if (minutes === 7) break;
                fs.renameSync(sidecar.file("away"), sidecar.file("db.sqlite3"));
                await sidecar.untilJson("it is well again", (json) => json.status === "ok");
            }
        },
    },
];
