/* The rows of the table of failures that are about the sidecar itself. */
#include "report/matrix.h"

/* clang-format off */
static const struct matrix_row SIDECAR[] = {
    {REASON_STALE, "the checker", MATRIX_REAL,
        "SIGSTOP to it",
        "e2e_lifecycle", "a_stopped_checker_is_stale_within_the_lease"},
    {REASON_DRAINING, "the sidecar", MATRIX_REAL,
        "SIGTERM",
        "e2e_lifecycle", "sigterm_drains"},
    {REASON_MAINTENANCE, "the sidecar", MATRIX_REAL,
        "the maintenance file",
        "e2e_app", "a_bugsink_stopped_for_maintenance_or_at_the_end_is_not_restarted"},
    {REASON_COUNT, "the address is in use: exit, one line", MATRIX_REAL,
        "somebody else listens there",
        "e2e_lifecycle", "an_address_in_use_is_one_clear_line"},
    {REASON_COUNT, "an unreadable or wrong configuration: exit 2", MATRIX_REAL,
        "a bad file",
        "e2e_lifecycle", "a_bad_configuration_is_refused_with_status_2"},
    {REASON_COUNT, "`unsupported`, a kind that is not built in: exit 2", MATRIX_REAL,
        "a mysql: DSN, and the program built with WITH_MYSQL=0",
        "e2e_unsupported", "without_its_library_a_mysql_dsn_is_refused_at_start"},
    {REASON_COUNT, "a bad configuration at SIGHUP: the old one stays", MATRIX_REAL,
        "a bad file, then SIGHUP",
        "e2e_reload", "after_a_bad_file_the_old_configuration_stays"},
    {REASON_COUNT, "the responder dies: the checker exits", MATRIX_REAL,
        "SIGKILL",
        "e2e_lifecycle", "a_dead_responder_ends_the_checker"},
    {REASON_COUNT, "the checker dies: the responder exits", MATRIX_REAL,
        "SIGKILL",
        "e2e_lifecycle", "a_dead_checker_ends_the_responder"},
    {REASON_COUNT, "SIGTERM while children are caught in the kernel: the daemon ends", MATRIX_REAL,
        "a FUSE file system that holds its readers",
        "e2e_hung", "sigterm_ends_the_daemon_although_its_children_are_caught"},
    {REASON_COUNT, "no processes or descriptors for a child: an error, and nothing is left", MATRIX_REAL,
        "RLIMIT_NPROC, RLIMIT_NOFILE",
        "child_shape", "without_descriptors_or_processes_there_is_an_error_and_nothing_is_left"},
    {REASON_COUNT, "no descriptors: probes are answered", MATRIX_REAL,
        "silent connections beyond every limit",
        "responder", "pages_and_leases_go_on_while_silent_connections_hold_every_descriptor"},
    {REASON_COUNT, "slow, silent, flooding clients: probes are answered", MATRIX_REAL,
        "a crowd of them",
        "e2e_crowd", "probes_are_answered_in_a_crowd_that_costs_nothing"},
    {REASON_COUNT, "garbage from clients: 400", MATRIX_REAL,
        "bytes that are no HTTP",
        "e2e_http", "garbage_is_400"},
    {REASON_COUNT, "the wall clock jumps: no effect", MATRIX_SCRIPTED,
        "by a preloaded library: hours, days, decades",
        "e2e_shim", "jumps_of_the_wall_clock_change_nothing_but_the_times_shown"},
};
/* clang-format on */

const struct matrix_row *matrix_sidecar_at(size_t i) {
    return i < sizeof SIDECAR / sizeof SIDECAR[0] ? &SIDECAR[i] : NULL;
}
