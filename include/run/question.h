/* What Bugsink can be asked that only its database can answer, and what its answers say. */
#ifndef BH_RUN_QUESTION_H
#define BH_RUN_QUESTION_H

enum app_question {
    QUESTION_NONE,    /* its endpoint, /health/ready, which it answers without its database */
    QUESTION_TOKEN,   /* whether a token that cannot exist is valid: the database is asked for it */
    QUESTION_PROJECT, /* whether a key that cannot exist belongs to a project: as every event asks */
    QUESTION_COUNT,
};

enum answer {
    ANSWER_NONE,    /* nothing was asked, or it never got that far */
    ANSWER_WELL,    /* only a Bugsink that can read its database says this */
    ANSWER_FAILS,   /* a server error */
    ANSWER_SILENCE, /* none, or none that is whole */
    ANSWER_ABSENT,  /* this Bugsink does not know the question: it is older */
    ANSWER_MUTE,    /* an answer that says nothing of the database: of a proxy, say */
    ANSWER_KINDS,
};

/* "token", "project"; NULL for none. */
const char *question_name(enum app_question question);

#endif
