/* Publishes: pages with a lease, renewed while there is no news. */
#include "checker/publisher.h"

#include "base/log.h"
#include "base/process.h"
#include "checker/checker.h"
#include "render/pages.h"
#include "render/text.h"

#include <stdlib.h>
#include <unistd.h>

/* After an attempt to publish that failed. */
enum { PUBLISH_AGAIN_MS = 1000 };

/* The pages of hundreds of checks take milliseconds to make, more where the processor is short. At a start,
 * when each result is news, they would take it from the checks: so the next set may wait, for a few times as
 * long as the last one took. */
enum { REST = 4, REST_MAX_MS = 500 };

/* A turn that comes anyway renews a lease of this age: the next one may be long in coming. */
enum { RENEW_EARLY_MS = LEASE_MS / 5 };

static int64_t lease_until_ms(struct publisher *publisher) {
    publisher->leased_ms = clock_now_ms(publisher->timers->clock);
    return publisher->leased_ms + LEASE_MS;
}

/* Pages that are renewed are as old as an interval at most. */
static int64_t renewal_ms(const struct publisher *publisher) {
    int64_t interval_ms = engine_config(publisher->engine)->interval_ms;
    return interval_ms < LEASE_RENEW_MS ? interval_ms : LEASE_RENEW_MS;
}

static void announce_verdict(struct publisher *publisher, const struct snapshot *snapshot) {
    char *verdict = announcer_is_heard(publisher->announcer) ? text_verdict(snapshot) : NULL;
    if (verdict)
        announce_status(publisher->announcer, verdict);
    free(verdict);
}

/* What reading a configuration and a first round of checks took is given back. */
static void settle(struct publisher *publisher) {
    if (publisher->has_settled || !engine_has_finished_round(publisher->engine))
        return;
    process_forget_start();
    publisher->has_settled = true;
}

void publisher_unsettle(struct publisher *publisher) {
    publisher->has_settled = false;
}

static void take_snapshot(
    const struct publisher *publisher, struct snapshot *snapshot, const struct process_usage *usage) {
    const struct sidecar *sidecar = publisher->sidecar;
    engine_snapshot(publisher->engine, snapshot);
    snapshot->is_draining = sidecar->is_draining;
    snapshot->sidecar_version = BH_VERSION;
    snapshot->sidecar_config = sidecar->config;
    snapshot->has_reload_failed = sidecar->has_reload_failed;
    snapshot->config_read_at_ms = sidecar->config_read_at_ms;
    snapshot->usage = usage;
    snapshot->sidecar_pid = (int)getpid();
    snapshot->started_at_ms = sidecar->started_at_ms;
}

static int64_t rest_until_ms(const struct publisher *publisher, int64_t begin_ms) {
    int64_t now_ms = clock_now_ms(publisher->timers->clock);
    int64_t rest_ms = (now_ms - begin_ms) * REST;
    return now_ms + (rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS);
}

static int send_pages(struct publisher *publisher, const struct snapshot *snapshot) {
    struct page_set set;
    int64_t begin_ms = clock_now_ms(publisher->timers->clock);
    int result = pages_render(snapshot, clock_now_ms(publisher->timers->clock), &set);
    if (result == 0)
        result = link_send_pages(publisher->sender, &set, lease_until_ms(publisher));
    pages_release(&set);
    publisher->rests_until_ms = rest_until_ms(publisher, begin_ms);
    return result;
}

/* The old pages are no longer true: their lease runs out unless a later attempt succeeds. */
static void fail(struct publisher *publisher) {
    if (!publisher->has_failed)
        log_error("publish failed", "the pages could not be made or sent: out of memory, or too large");
    publisher->has_failed = true;
    timer_disarm(&publisher->lease);
    timer_arm(publisher->timers, &publisher->publish, PUBLISH_AGAIN_MS);
}

static void succeed(struct publisher *publisher) {
    publisher->has_failed = false;
    publisher->has_news = false;
    timer_arm(publisher->timers, &publisher->lease, renewal_ms(publisher));
}

void publisher_publish(struct publisher *publisher) {
    struct snapshot snapshot;
    struct process_usage usage;
    if (publisher->sidecar->is_ending)
        return;
    process_usage(&usage, NULL);
    usage.children_cpu_ms += engine_workers_cpu_ms(publisher->engine);
    take_snapshot(publisher, &snapshot, &usage);
    if (send_pages(publisher, &snapshot) < 0)
        fail(publisher);
    else
        succeed(publisher);
    announce_verdict(publisher, &snapshot);
    settle(publisher);
}

static void on_publish(void *arg) {
    publisher_publish(arg);
}

/* News without a change of verdict (a newer latency) goes with the next renewal of the lease: many checks
 * then cost one rendering, and it no wake-up of its own. */
void publisher_on_checked(void *publisher, bool is_change) {
    struct publisher *self = publisher;
    self->has_news = true;
    int64_t now_ms = clock_now_ms(self->timers->clock);
    int64_t due_ms = self->rests_until_ms > now_ms ? self->rests_until_ms : now_ms;
    if (is_change && !(timer_is_armed(&self->publish) && self->publish.due_ms <= due_ms))
        timer_arm(self->timers, &self->publish, due_ms - now_ms);
}

static void on_lease(void *arg) {
    struct publisher *publisher = arg;
    if (publisher->has_news) {
        publisher_publish(publisher);
        return;
    }
    timer_arm(publisher->timers, &publisher->lease, renewal_ms(publisher));
    link_send_lease(publisher->sender, lease_until_ms(publisher));
}

static bool take_due(struct timer *timer, int64_t now_ms) {
    bool is_due = timer_is_armed(timer) && timer->due_ms <= now_ms;
    if (is_due)
        timer_disarm(timer);
    return is_due;
}

void publisher_turn(struct publisher *publisher) {
    if (!publisher->sender || publisher->sidecar->is_ending)
        return;
    int64_t now_ms = clock_now_ms(publisher->timers->clock);
    if (take_due(&publisher->publish, now_ms))
        publisher_publish(publisher);
    else if (take_due(&publisher->lease, now_ms))
        on_lease(publisher);
    else if (timer_is_armed(&publisher->lease) && now_ms - publisher->leased_ms >= RENEW_EARLY_MS)
        link_send_lease(publisher->sender, lease_until_ms(publisher));
    else
        return;
    link_sender_flush(publisher->sender);
}

void publisher_init(struct publisher *publisher, const struct sidecar *sidecar, struct timers *timers,
    struct announcer *announcer) {
    *publisher = (struct publisher){.sidecar = sidecar, .timers = timers, .announcer = announcer};
    timer_init(&publisher->publish, on_publish, publisher);
    timer_init(&publisher->lease, on_lease, publisher);
}

void publisher_start(struct publisher *publisher, struct engine *engine, struct link_sender *sender) {
    publisher->engine = engine;
    publisher->sender = sender;
    publisher_publish(publisher);
}
