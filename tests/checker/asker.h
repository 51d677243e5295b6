/* Bugsink as its own check sees it, in virtual time: what it is asked, and what it answers. */
#ifndef BH_TESTS_CHECKER_ASKER_H
#define BH_TESTS_CHECKER_ASKER_H

#include "checker/asking.h"
#include "checker/policy.h"

struct asker {
    struct check_config config;
    struct check_memory memory;
    int64_t now_ms;
    struct outcome ready;                   /* what /health/ready says */
    struct outcome answers[QUESTION_COUNT]; /* what it answers to each question */
    struct surroundings around;
    bool is_awaiting; /* an unanswered question is still waited for, */
    enum answer late; /* and answered at the next look */
    char asked[4096]; /* all looks so far: "L" for one at the endpoint, "T", "P" */
    uint32_t random;
};

/* An answer of its, and a silence. */
struct outcome asker_answer(enum answer answer);
struct outcome asker_silence(enum reason reason);

/* All is well, and nothing was looked at yet; and after its arrival, with nothing asked so far. */
struct asker asker_new(void);
struct asker asker_arrived(void);

/* One look; the time of the next one comes. Returns what it asked. */
enum app_question asker_look(struct asker *asker);
void asker_look_times(struct asker *asker, int times);

/* Fails the test where the verdict is another. */
void asker_expect(const struct asker *asker, enum status status, enum reason reason);

/* How often that letter stands in it. */
int asker_count(const char *text, char letter);

#endif
