/* Policy: outcome and memory in, status out. */
#include "checker/policy.h"

#include "report/snapshot.h"

void memory_init(struct check_memory *memory, int64_t wall_ms) {
    *memory = (struct check_memory){.status = STATUS_STARTING,
        .reason = REASON_STARTING,
        .retry = RETRY_FAST,
        .last_good_ms = -1,
        .reason_since_ms = -1,
        .swap_since_ms = -1,
        .queue_age_s = -1,
        .lock_seen_ms = -1,
        .read_arrivals = -1,
        .blocked_ms = -1,
        .excused_ms = -1,
        .since_wall_ms = wall_ms};
    asking_init(&memory->asking);
}

/* -- the queue -- */

/* A queue makes progress when its oldest task is another one, or younger than the passing of time alone would
 * have it. (Of a burst all tasks are of one second: their age tells nothing.) A look that did not see the
 * queue (it was locked, or timed out) says nothing of it. */
static void note_queue(struct check_memory *memory, const struct outcome *outcome, int64_t now_ms) {
    const struct observed *observed = &outcome->observed;
    int64_t age_s, tasks;
    if (!observed_get(observed, OBSERVED_OLDEST_TASK_AGE_S, &age_s)) {
        if (!observed_get(observed, OBSERVED_TASKS, &tasks) || tasks > 0)
            return;
        age_s = -1; /* it is empty */
    }
    int64_t passed_s = (now_ms - memory->queue_seen_ms) / 1000;
    if (age_s < 0 || memory->queue_age_s < 0 || age_s < memory->queue_age_s + passed_s - 1 ||
        outcome->identity.task != memory->queue_task)
        memory->progress_ms = now_ms;
    memory->queue_age_s = age_s;
    memory->queue_task = outcome->identity.task;
    memory->queue_seen_ms = now_ms;
}

static bool is_queue_hung(const struct policy_subject *subject, const struct check_memory *memory,
    const struct observed *observed, int64_t now_ms) {
    int64_t age_s, limit_ms = subject->traits->is_database ? subject->config->database.backlog_error_ms : -1;
    if (limit_ms < 0 || !observed_get(observed, OBSERVED_OLDEST_TASK_AGE_S, &age_s))
        return false;
    int64_t window_ms = limit_ms < POLICY_PROGRESS_MS ? limit_ms : POLICY_PROGRESS_MS;
    return age_s * 1000 > limit_ms && now_ms - memory->progress_ms >= window_ms;
}

/* -- the write lock -- */

/* An error of its own, not merely worth knowing. */
static bool is_error(const struct outcome *outcome) {
    return reason_info(outcome->reason)->verdict == STATUS_ERROR && !outcome->is_mild;
}

/* The lock was taken between the last look that did not meet this writer and the first that did: in the
 * middle, as far as can be told. */
static void meet_writer(struct check_memory *memory, uint64_t writer, int64_t look_began_ms) {
    int64_t before_ms = memory->lock_seen_ms >= 0 ? memory->lock_seen_ms : look_began_ms;
    memory->writer = writer;
    memory->writer_looks = 1;
    memory->writer_since_ms = before_ms + (look_began_ms - before_ms) / 2;
}

static void forget_writer(struct check_memory *memory) {
    memory->writer = 0;
    memory->writer_looks = 0;
}

/* A look that failed before it saw the lock says nothing of it. */
static void note_writer(
    struct check_memory *memory, const struct outcome *outcome, int64_t latency_ms, int64_t now_ms) {
    uint64_t writer = outcome->identity.writer;
    if (writer == 0 && is_error(outcome))
        return;
    if (writer == 0)
        forget_writer(memory);
    else if (writer == memory->writer)
        memory->writer_looks++;
    else
        meet_writer(memory, writer, now_ms - latency_ms);
    memory->lock_seen_ms = now_ms;
}

/* Whether one writer held the lock through a whole look, and was there again at the next. Those that take
 * turns never do. */
static bool is_writer_staying(const struct check_memory *memory) {
    return memory->writer_looks > 1;
}

static void show_writer(const struct check_memory *memory, struct outcome *judged, int64_t now_ms) {
    observed_set(&judged->observed, OBSERVED_WRITE_LOCK_S, (now_ms - memory->writer_since_ms) / 1000);
    if (judged->reason == REASON_LOCKED && judged->phase == PHASE_NONE)
        judged->phase = PHASE_LOCK;
}

/* Django waits 5 s for a lock: whatever the interval, each request that writes has failed by then. */
static bool is_locked_for_long(
    const struct check_config *config, const struct check_memory *memory, int64_t now_ms) {
    return now_ms - memory->reason_since_ms >= 2 * config->interval_ms ||
           (is_writer_staying(memory) && now_ms - memory->writer_since_ms >= 2 * config->interval_ms);
}

/* -- files and directories -- */

static bool is_replaced(
    const struct check_traits *traits, const struct check_memory *memory, const struct identity *identity) {
    return traits->tracks_inode && memory->identity.inode != 0 && identity->inode != 0 &&
           (memory->identity.inode != identity->inode || memory->identity.device != identity->device);
}

/* A look that came to nothing leaves it open whether the file is there. */
static void note_presence(struct check_memory *memory, enum reason reason) {
    if (reason == REASON_FILE_MISSING)
        memory->is_there = false;
    else if (reason != REASON_TIMEOUT && reason != REASON_STUCK && reason != REASON_CRASHED &&
             reason != REASON_INTERNAL && reason != REASON_PERMISSION && reason != REASON_IO_ERROR)
        memory->is_there = true;
}

/* What was there and is gone, where Bugsink can make it anew: what it held is lost, and a worker
 * that watched it watches nothing; but to be not ready would keep away the event that makes it anew. */
static bool has_vanished(
    const struct check_traits *traits, const struct check_memory *memory, const struct identity *identity) {
    return traits->may_be_remade && memory->identity.inode != 0 && identity->inode == 0;
}

static bool is_wakeup_stale(const struct outcome *outcome, const struct surroundings *around) {
    int64_t age_s;
    return observed_get(&outcome->observed, OBSERVED_WAKEUP_AGE_S, &age_s) && age_s > POLICY_WAKEUP_S &&
           around->oldest_task_s > POLICY_WAKEUP_S && around->no_progress_s > POLICY_WAKEUP_S;
}

/* -- settings that change -- */

/* For how much longer the last good result stands, because the file may be just being replaced. */
static int64_t find_hold_ms(const struct check_config *config, struct check_memory *memory,
    const struct outcome *outcome, int64_t latency_ms, int64_t now_ms) {
    int64_t patience_ms = check_config_patience_ms(config);
    if (patience_ms == 0 || !status_is_ready(memory->status) || !reason_may_pass(outcome->reason)) {
        memory->swap_since_ms = -1;
        return 0;
    }
    if (memory->swap_since_ms < 0)
        memory->swap_since_ms = now_ms - latency_ms;
    int64_t end_ms = memory->swap_since_ms + patience_ms;
    return end_ms > now_ms ? end_ms - now_ms : 0;
}

/* Remembers which settings Bugsink reads when it starts: those that stand there at the first look after it
 * has arrived, until when all that is seen may still be edited before it reads. Where nobody asks it, it is
 * taken to have started together with us. */
static void remember_settings(
    struct check_memory *memory, uint64_t content, const struct surroundings *around) {
    bool is_up = !around->has_app || around->is_app_up;
    int64_t arrivals = around->has_app ? around->app_arrivals : 0;
    if (!is_up || arrivals != memory->read_arrivals)
        memory->read_content = content;
    memory->read_arrivals = is_up ? arrivals : -1;
}

static bool has_changed(const struct check_traits *traits, struct check_memory *memory,
    const struct outcome *outcome, const struct surroundings *around) {
    uint64_t content = outcome->identity.content;
    if (!traits->holds_settings || outcome->reason != REASON_OK || content == 0)
        return false;
    remember_settings(memory, content, around);
    return content != memory->read_content;
}

/* -- Bugsink itself -- */

/* A question that met silence, or that only told that the database is not to be had, is judged by all that
 * the questions have shown, as any other look is. */
static enum reason app_reason(const struct policy_subject *subject, const struct check_memory *memory,
    const struct outcome *outcome, int64_t now_ms) {
    enum reason reason = liveness_reason(&memory->life, outcome->reason);
    bool is_of_questions =
        asking_is_silence(outcome) || (outcome->asked != QUESTION_NONE && outcome->answer == ANSWER_FAILS);
    if (reason_info(reason)->verdict == STATUS_ERROR && !is_of_questions)
        return reason;
    enum reason fault = asking_fault(&memory->asking, subject->config, now_ms);
    return fault != REASON_OK || is_of_questions ? fault : reason;
}

/* A database that hangs holds each worker of Bugsink that asks it (measured: 30 s a request), until none is
 * left to answer. A restart mends no database: Bugsink would meet it again in its migrations, and come back
 * later than the database. Something accepts connections then, and does not answer. */
static bool is_excused_by_hang(const struct outcome *outcome, const struct surroundings *around) {
    return outcome->reason == REASON_TIMEOUT && outcome->phase == PHASE_READ && around->is_database_hung;
}

/* So does a lock that its sessions wait for, on whatever table; gunicorn ends a worker that waits for long,
 * and with it the connection. But sessions may wait for a Bugsink that hangs itself, so that there is an end
 * to it: as long as a start may take. */
static bool is_excused_by_block(const struct policy_subject *subject, struct check_memory *memory,
    const struct outcome *outcome, const struct surroundings *around, int64_t now_ms) {
    if (!around->is_blocked || (outcome->reason != REASON_TIMEOUT && outcome->reason != REASON_RESET))
        return false;
    if (memory->excused_ms < 0)
        memory->excused_ms = now_ms;
    return now_ms - memory->excused_ms <= subject->config->app.start_grace_ms;
}

/* Liveness never follows a question. */
static void note_life(const struct policy_subject *subject, struct check_memory *memory,
    const struct outcome *outcome, const struct surroundings *around, int64_t now_ms) {
    struct liveness *life = &memory->life;
    int64_t arrivals = life->arrivals;
    if (!asking_is_silence(outcome))
        liveness_note(life, outcome->reason,
            is_excused_by_hang(outcome, around) ||
                is_excused_by_block(subject, memory, outcome, around, now_ms),
            subject->config->app.fall);
    if (!life->is_silent)
        memory->excused_ms = -1;
    if (life->arrivals > arrivals)
        asking_arrive(&memory->asking);
}

/* -- a database in which Bugsink waits -- */

static void note_blocked(struct check_memory *memory, const struct outcome *outcome, int64_t now_ms) {
    int64_t sessions = 0;
    observed_get(&outcome->observed, OBSERVED_BLOCKED_SESSIONS, &sessions);
    memory->is_blocked = outcome->reason == REASON_BLOCKED || sessions > 0;
    if (memory->is_blocked)
        memory->blocked_ms = now_ms;
}

/* -- verdicts -- */

/* What the reason of a run becomes in the light of all that a single run cannot know. */
static enum reason judge_reason(const struct policy_subject *subject, struct check_memory *memory,
    const struct outcome *outcome, int64_t latency_ms, const struct surroundings *around, int64_t now_ms) {
    const struct check_traits *traits = subject->traits;
    enum reason found = traits->is_app ? app_reason(subject, memory, outcome, now_ms) : outcome->reason;
    if (reason_info(found)->verdict == STATUS_ERROR && !outcome->is_mild)
        return found;
    if (is_writer_staying(memory))
        return REASON_LOCKED;
    if (has_vanished(traits, memory, &outcome->identity))
        return REASON_FILE_MISSING;
    if (is_wakeup_stale(outcome, around))
        return REASON_STALE_WAKEUP;
    if (found == REASON_OK && memory->is_blocked)
        return REASON_BLOCKED;
    if (found != REASON_OK)
        return found;
    if (has_changed(traits, memory, outcome, around))
        return REASON_CHANGED;
    if (traits->measures_latency && latency_ms > subject->config->slow_ms)
        return REASON_SLOW;
    return is_replaced(traits, memory, &outcome->identity) ? REASON_REPLACED : REASON_OK;
}

/* What Bugsink will meet when it starts next takes nobody out who is seen to work. */
static bool is_prediction(
    const struct policy_subject *subject, enum reason reason, const struct surroundings *around) {
    return subject->traits->holds_settings && around->is_app_working &&
           reason_info(reason)->verdict == STATUS_ERROR;
}

/* What the verdict of the judged reason's row becomes in the light of role and history. found: what the run
 * itself said. */
static enum status judge_status(const struct policy_subject *subject, const struct check_memory *memory,
    const struct outcome *outcome, enum reason found, const struct surroundings *around, int64_t now_ms) {
    const struct check_config *config = subject->config;
    const struct reason_info *info = reason_info(outcome->reason);
    if (outcome->is_mild)
        return STATUS_DEGRADED;
    if (info->is_mild_when_plain && subject->traits->is_database && config->database.role == ROLE_PLAIN &&
        info->verdict == STATUS_ERROR)
        return STATUS_DEGRADED;
    if (outcome->reason == REASON_FILE_MISSING && found != REASON_FILE_MISSING)
        return STATUS_DEGRADED; /* has_vanished */
    if (outcome->reason == REASON_LOCKED && !is_locked_for_long(config, memory, now_ms))
        return STATUS_DEGRADED;
    if (outcome->reason == REASON_TOO_MANY_CLIENTS && memory->last_good_ms >= 0 &&
        now_ms - memory->last_good_ms <= POLICY_FULL_GRACE_MS)
        return STATUS_DEGRADED;
    if (outcome->reason == REASON_BACKLOG && is_queue_hung(subject, memory, &outcome->observed, now_ms))
        return STATUS_ERROR;
    if (outcome->reason == REASON_BLOCKED && around->is_app_silent &&
        now_ms - memory->reason_since_ms > POLICY_BLOCKED_MS)
        return STATUS_ERROR;
    if (is_prediction(subject, outcome->reason, around))
        return STATUS_DEGRADED;
    return info->verdict;
}

static bool breaks_login(const struct check_traits *traits, const struct outcome *outcome) {
    return traits->breaks_login && traits->breaks_login(outcome->reason, outcome->phase);
}

enum retry policy_retry(const struct policy_subject *subject, const struct outcome *outcome) {
    if (outcome->is_mild)
        return RETRY_NORMAL;
    return breaks_login(subject->traits, outcome) ? RETRY_SLOWER : reason_info(outcome->reason)->retry;
}

/* What a server that counts broken logins holds against us, and what wipes that count. */
static void note_login(struct check_memory *memory, const struct outcome *outcome) {
    if (memory->retry == RETRY_SLOWER)
        memory->broken_logins++;
    else if (outcome->phase == PHASE_QUERY || reason_info(outcome->reason)->verdict != STATUS_ERROR)
        memory->broken_logins = 0;
}

/* When to look again. */
static void note_retry(
    const struct policy_subject *subject, struct check_memory *memory, const struct outcome *outcome) {
    memory->retry = memory->is_prediction ? RETRY_NORMAL : policy_retry(subject, outcome);
    memory->consecutive_refusals = memory->retry == RETRY_SLOW ? memory->consecutive_refusals + 1 : 0;
    memory->regular_runs = memory->retry == RETRY_NORMAL ? memory->regular_runs + 1 : 0;
    note_login(memory, outcome);
}

bool policy_judge(const struct policy_subject *subject, struct check_memory *memory,
    const struct outcome *outcome, int64_t latency_ms, const struct surroundings *around, int64_t now_ms,
    int64_t wall_ms) {
    memory->hold_ms = find_hold_ms(subject->config, memory, outcome, latency_ms, now_ms);
    if (memory->hold_ms > 0)
        return false;
    note_writer(memory, outcome, latency_ms, now_ms);
    struct outcome judged = *outcome;
    memory->is_answer_news = false;
    if (subject->traits->is_app) {
        note_life(subject, memory, outcome, around, now_ms);
        memory->is_answer_news = asking_note(&memory->asking, outcome, now_ms);
        asking_withhold(&memory->asking, around->is_file_missing);
    }
    note_presence(memory, outcome->reason);
    note_blocked(memory, outcome, now_ms);
    judged.reason = judge_reason(subject, memory, outcome, latency_ms, around, now_ms);
    judged.is_mild = outcome->is_mild && judged.reason == outcome->reason;
    if (is_writer_staying(memory))
        show_writer(memory, &judged, now_ms);
    bool is_good = !is_error(&judged);

    if (!memory->has_run || memory->reason != judged.reason)
        memory->reason_since_ms = now_ms;
    note_queue(memory, &judged, now_ms);
    if (is_good)
        memory->last_good_ms = now_ms;
    if (is_good && judged.identity.inode != 0)
        memory->identity = judged.identity;
    enum status status = judge_status(subject, memory, &judged, outcome->reason, around, now_ms);
    memory->is_prediction = is_prediction(subject, judged.reason, around);

    bool is_changed = status != memory->status || judged.reason != memory->reason;
    if (is_changed)
        memory->since_wall_ms = wall_ms;
    if (status_is_ready(status))
        memory->last_ok_wall_ms = wall_ms;
    memory->consecutive_failures = status_is_ready(status) ? 0 : memory->consecutive_failures + 1;
    note_retry(subject, memory, &judged);
    memory->has_run = true;
    memory->status = status;
    memory->reason = judged.reason;
    memory->phase = judged.phase;
    memory->observed = judged.observed;
    memory->latency_ms = latency_ms;
    memory->checked_wall_ms = wall_ms;
    return is_changed;
}

/* While gunicorn starts, its port takes connections that nobody answers yet. */
static bool is_app_awaited(const struct check_memory *memory) {
    enum reason reason = memory->reason;
    return !memory->life.has_answered &&
           (reason == REASON_APP_STARTING || reason == REASON_TIMEOUT || reason == REASON_RESET);
}

bool policy_is_expected(const struct policy_subject *subject, const struct check_memory *memory,
    const struct surroundings *around) {
    if (!around->is_start_awaited || memory->status != STATUS_ERROR)
        return false;
    if (subject->traits->is_app)
        return is_app_awaited(memory);
    return memory->last_good_ms < 0 &&
           reason_awaits_start(subject->traits->is_database, memory->reason, &memory->observed);
}
