/* The preloaded library of faults, as tests use it. */
#ifndef BH_TESTS_E2E_FAULTS_H
#define BH_TESTS_E2E_FAULTS_H

#include "e2e/shim/faults.h"
#include "harness/program.h"

#include <stdbool.h>

/* Why faults cannot be told to the program here: NULL where they can. */
const char *faults_why_not(void);

/* Has what is started in that environment preload the library, and returns what it obeys; the file is in
 * dir. */
struct fault_control *faults_preload(struct envlist *environment, const char *dir);

/* From now on the nth such call fails with that error; 0: none. */
void faults_arm(struct fault *fault, enum fault_call call, int error, int nth);

/* No call fails from now on. Returns whether the first fault has come to pass. */
bool faults_disarm(struct fault_control *control);
void faults_release(struct fault_control *control);

#endif
