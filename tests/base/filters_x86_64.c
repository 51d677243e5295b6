/* The filters of x86_64, as they were made at build time. */
#include "base/filters.h"

#include "filters/x86_64.inc"

#include <linux/audit.h>

const struct filters FILTERS_OF_X86_64 = FILTERS(AUDIT_ARCH_X86_64);
