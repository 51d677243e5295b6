/* A run in the process that does it: its phases and its time. */
#include "run/run.h"

#include "base/clock.h"
#include "base/log.h"

void phase_report_enter(struct phase_report *report, enum phase phase) {
    bool is_news = report->phase != phase;
    report->phase = phase;
    if (is_news && report->tell)
        report->tell(report, phase);
}

int64_t run_remaining_ms(const struct run *run) {
    int64_t left_ms = run->deadline_ms - clock_now_ms(clock_system());
    return left_ms > 0 ? left_ms : 0;
}

void run_log_loss(const struct check_config *config) {
    struct log_line line;
    log_begin(&line, LOG_DEBUG, "kept connection given up");
    log_str(&line, "check", config->name);
    log_end(&line);
}
